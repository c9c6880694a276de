"""What the router of returns asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import SessionDep
from app.sales.returns.service import ReturnService


async def get_return_service(session: SessionDep) -> ReturnService:
    """Returns on the request's transaction."""
    return ReturnService.build(session)


async def get_return_days(request: Request) -> int:
    """The days after delivery within which goods may be sent back."""
    days: int = request.app.state.settings.returns.days
    return days


ReturnServiceDep = Annotated[ReturnService, Depends(get_return_service, scope="function")]
ReturnDays = Annotated[int, Depends(get_return_days)]
