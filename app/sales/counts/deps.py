"""What the router of stock-takes asks for."""

from typing import Annotated

from fastapi import Depends

from app.core.db.transaction import SessionDep
from app.sales.counts.service import CountService


async def get_count_service(session: SessionDep) -> CountService:
    """Stock-takes on the request's transaction."""
    return CountService.build(session)


CountServiceDep = Annotated[CountService, Depends(get_count_service, scope="function")]
