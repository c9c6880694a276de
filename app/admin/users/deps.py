"""What the router of accounts asks for."""

from typing import Annotated

from fastapi import Depends

from app.admin.users.errors import AccountNotFound, Outranked
from app.admin.users.service import UserAdminService
from app.core.db.transaction import SessionDep
from app.core.errors import refuses


@refuses(AccountNotFound, Outranked)
async def get_user_admin_service(session: SessionDep) -> UserAdminService:
    """Other people's accounts on the request's transaction."""
    return UserAdminService.build(session)


UserAdminServiceDep = Annotated[UserAdminService, Depends(get_user_admin_service, scope="function")]
