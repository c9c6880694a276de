"""`/api/v1/users`: registration, the own profile, and what a registration form asks beforehand."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.core.db.transaction import ReadSessionDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import ReadBackDep, RepresentationResponse
from app.core.rate_limit import rate_limited
from app.identity.accounts.deps import (
    AccountServiceDep,
    find_own_account,
    get_patch,
    get_profile,
    get_registration,
)
from app.identity.accounts.profile_fields import Username, is_reserved
from app.identity.accounts.queries import get_account, has_username
from app.identity.accounts.schemas import (
    PasswordIn,
    PasswordStrengthOut,
    PermissionsOut,
    ProfileIn,
    ProfilePatch,
    UsernameCheckOut,
    UserOut,
    UserRegister,
)
from app.identity.authentication.deps import CurrentUser, FreshProfileEditor, ProfileEditor
from app.identity.errors import (
    EmailTaken,
    HashingBusy,
    LastAdmin,
    PhoneNeeded,
    StepUpRequired,
    UsernameTaken,
)
from app.identity.models import User
from app.identity.password_strength import estimate_strength
from app.identity.permissions import permissions_of

router = APIRouter(prefix="/api/v1/users", tags=["accounts"], route_class=IdempotentRoute)


@router.post(
    "/register",
    status_code=201,
    summary="Open an account",
    response_model=UserOut,
    dependencies=[Depends(rate_limited("registration")), IDEMPOTENT],
    responses=problems(UsernameTaken, EmailTaken, HashingBusy),
)
async def register_user(
    account: Annotated[UserRegister, Depends(get_registration)],
    accounts: AccountServiceDep,
    response: Response,
) -> User:
    """Open an account with the role `user`; a mail asks to verify the address.

    Log in at `/api/v1/auth/token` afterwards.
    """
    user = await accounts.register(account)
    response.headers["Location"] = "/api/v1/users/me"
    response.headers["Cache-Control"] = "no-store"
    return user


@router.get("/me", summary="Read one's own account", response_model=UserOut)
async def get_own_account(request: Request, user: CurrentUser) -> Response:
    """The account that the credentials belong to, as it is now.

    Without the scope `profile:read`, addresses, names, phone, birth date and gender are null.
    """
    return RepresentationResponse((await find_own_account(request, user)).answer)


@router.put(
    "/me", summary="Replace one's own profile", response_model=UserOut, responses=problems(StepUpRequired)
)
async def replace_own_account(
    profile: Annotated[ProfileIn, Depends(get_profile)],
    user: ProfileEditor,
    precondition: PreconditionDep,
    accounts: AccountServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set the whole profile; what is left out becomes empty.

    Another e-mail address is `pending_email` until the mail that is sent there is answered; the present one
    gets a link that stops it. Another address or phone needs a fresh proof: `POST /auth/step-up`.
    """
    await accounts.replace(user, precondition, profile)
    return await read_back(partial(get_account, caller=user))


@router.patch(
    "/me",
    summary="Change one's own profile",
    response_model=UserOut,
    responses=problems(PhoneNeeded, StepUpRequired),
)
async def change_own_account(
    patch: Annotated[ProfilePatch, Depends(get_patch)],
    user: ProfileEditor,
    precondition: PreconditionDep,
    accounts: AccountServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; null empties a field that may be empty.

    Another e-mail address is `pending_email` until the mail that is sent there is answered; the present one
    gets a link that stops it. Another address or phone needs a fresh proof: `POST /auth/step-up`.
    """
    await accounts.change(user, precondition, patch)
    return await read_back(partial(get_account, caller=user))


@router.delete("/me", status_code=204, summary="Close one's own account", responses=problems(LastAdmin))
async def deactivate_own_account(
    user: FreshProfileEditor, precondition: PreconditionDep, accounts: AccountServiceDep
) -> None:
    """Deactivate the account and end all its sessions, API keys and passkeys. An administrator can open it again."""
    await accounts.deactivate(user, precondition)


@router.get("/me/permissions", summary="List what one may do")
async def list_own_permissions(user: CurrentUser, response: Response) -> PermissionsOut:
    """The caller's role, and the permissions of these credentials and of the role."""
    response.headers["Cache-Control"] = "private, no-store"
    return PermissionsOut(
        role=user.role,
        permissions=sorted(user.permissions),
        role_permissions=sorted(permissions_of(user.role)),
    )


@router.get(
    "/check-username/{username}",
    summary="Ask whether a user name is free",
    dependencies=[Depends(rate_limited("username_check"))],
)
async def check_username(username: Username, session: ReadSessionDep, response: Response) -> UsernameCheckOut:
    """Whether an account could be opened under this name just now."""
    response.headers["Cache-Control"] = "no-store"
    is_free = not is_reserved(username) and not await has_username(session, username)
    return UsernameCheckOut(username=username, available=is_free)


@router.post(
    "/password-strength",
    summary="Judge a password",
    dependencies=[Depends(rate_limited("strength_check"))],
    responses=problems(HashingBusy),
)
async def judge_password(candidate: PasswordIn, response: Response) -> PasswordStrengthOut:
    """How hard the password is to guess, and what registration would refuse. Nothing is kept."""
    response.headers["Cache-Control"] = "no-store"
    words = [candidate.username] if candidate.username else []
    return PasswordStrengthOut.of(await estimate_strength(candidate.password, words))
