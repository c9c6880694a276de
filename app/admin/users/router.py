"""`/api/v1/admin/users`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.admin.users import queries
from app.admin.users.deps import UserAdminServiceDep
from app.admin.users.errors import AccountNotFound, NotOnOneself, SecondFactorMissing, SuperAdminFixed
from app.admin.users.schemas import AdminUserFilter, AdminUserOut, AdminUserPatch, RoleIn
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import FRESH_USER, USER_READER, RoleAssigner, UserAdmin
from app.identity.errors import LastAdmin, RoleLost

router = APIRouter(prefix="/api/v1/admin/users", tags=["admin"])

_STANDING = (LastAdmin, NotOnOneself, RoleLost)


@router.get("", summary="Find accounts", response_model=Page[AdminUserOut], dependencies=[USER_READER])
async def list_users(query: Annotated[AdminUserFilter, Query()], pager: PagerDep, reads: HotDep) -> Response:
    """A page of the accounts that meet every filter, newest first unless `sort` says otherwise."""
    return await reads.answer_private(partial(queries.list_users, query=query, pager=pager))


@router.get(
    "/{user_id}",
    summary="Read an account",
    response_model=AdminUserOut,
    dependencies=[USER_READER],
    responses=problems(AccountNotFound),
)
async def get_user(user_id: RowId, reads: HotDep) -> Response:
    """An account, open or closed. Sends an ETag; understands If-None-Match."""
    return await reads.answer_private(partial(queries.get_user, user_id=user_id))


@router.patch(
    "/{user_id}",
    summary="Mend an account",
    response_model=AdminUserOut,
    responses=problems(NotOnOneself),
)
async def change_user(
    user_id: RowId,
    patch: AdminUserPatch,
    admin: UserAdmin,
    precondition: PreconditionDep,
    users: UserAdminServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; null empties a name. Password and e-mail address are the owner's alone."""
    await users.change(admin, user_id, precondition, patch)
    return await read_back(partial(queries.get_user, user_id=user_id))


@router.put(
    "/{user_id}/role",
    summary="Give an account a role",
    response_model=AdminUserOut,
    dependencies=[FRESH_USER],
    responses=problems(*_STANDING, SuperAdminFixed),
)
async def set_user_role(
    user_id: RowId,
    role: RoleIn,
    admin: RoleAssigner,
    precondition: PreconditionDep,
    users: UserAdminServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Give a role up to one's own; the account is logged out everywhere and its tokens stop working at once.

    Nobody changes their own role or that of somebody above them; the last active administrator
    keeps theirs; super_admin is given on the server alone.
    """
    await users.set_role(admin, user_id, precondition, role.role)
    return await read_back(partial(queries.get_user, user_id=user_id))


@router.post(
    "/{user_id}/activate",
    summary="Open an account again",
    response_model=AdminUserOut,
    responses=problems(*_STANDING),
)
async def activate_user(
    user_id: RowId,
    admin: UserAdmin,
    precondition: PreconditionDep,
    users: UserAdminServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Open a closed account, also one that its owner closed; its owner can log in again."""
    await users.activate(admin, user_id, precondition)
    return await read_back(partial(queries.get_user, user_id=user_id))


@router.post(
    "/{user_id}/deactivate",
    summary="Close an account",
    response_model=AdminUserOut,
    responses=problems(*_STANDING),
)
async def deactivate_user(
    user_id: RowId,
    admin: UserAdmin,
    precondition: PreconditionDep,
    users: UserAdminServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Close an account: logged out everywhere; tokens, API keys and passkeys stop working at once."""
    await users.deactivate(admin, user_id, precondition)
    return await read_back(partial(queries.get_user, user_id=user_id))


@router.post("/{user_id}/unlock", status_code=204, summary="Unlock an account")
async def unlock_user(
    user_id: RowId, admin: UserAdmin, precondition: PreconditionDep, users: UserAdminServiceDep
) -> None:
    """Forget the account's failed logins, so that no client is locked out of it any more."""
    await users.unlock(admin, user_id, precondition)


@router.post(
    "/{user_id}/end-sessions",
    status_code=204,
    summary="Log an account out everywhere",
)
async def end_user_sessions(
    user_id: RowId, admin: UserAdmin, precondition: PreconditionDep, users: UserAdminServiceDep
) -> None:
    """End every session and API key of the account, which stop working at once, its webhooks and push messages. It may
    log in again.
    """
    await users.end_sessions(admin, user_id, precondition)


@router.delete(
    "/{user_id}/second-factor",
    status_code=204,
    summary="Remove a lost second factor",
    dependencies=[FRESH_USER],
    responses=problems(NotOnOneself, SecondFactorMissing),
)
async def remove_user_second_factor(
    user_id: RowId, admin: UserAdmin, precondition: PreconditionDep, users: UserAdminServiceDep
) -> None:
    """Take the authenticator app, recovery codes and passkeys away, for an owner who has proven otherwise
    who they are: their password alone opens the account again. Every session ends, since whoever has the factor may
    have one. The owner is told by mail.
    """
    await users.remove_second_factor(admin, user_id, precondition)
