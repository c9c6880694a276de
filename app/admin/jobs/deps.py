"""What the router of jobs asks for."""

from typing import Annotated

from fastapi import Depends

from app.admin.jobs.service import DeadLetterService
from app.core.db.transaction import SessionDep


async def get_dead_letter_service(session: SessionDep) -> DeadLetterService:
    """Dead letters on the request's transaction."""
    return DeadLetterService.build(session)


DeadLetterServiceDep = Annotated[DeadLetterService, Depends(get_dead_letter_service, scope="function")]
