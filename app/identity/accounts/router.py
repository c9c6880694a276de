"""`/api/v1/users`: registration and the own profile."""

from fastapi import APIRouter, Depends, Response

from app.core.answers import EntryResponse
from app.core.db import SessionDep
from app.core.errors import RateLimited
from app.core.problems import problems
from app.core.rate_limit import rate_limited
from app.identity.accounts.schemas import UserOut, UserRegister
from app.identity.accounts.service import AccountService
from app.identity.deps import CurrentUser, OwnAccount
from app.identity.errors import EmailTaken, HashingBusy, InvalidToken, NotAuthenticated, UsernameTaken
from app.identity.models import User

router = APIRouter(prefix="/api/v1/users", tags=["accounts"])


@router.post(
    "/register",
    status_code=201,
    summary="Open an account",
    response_model=UserOut,
    dependencies=[Depends(rate_limited("registration"))],
    responses=problems(UsernameTaken, EmailTaken, RateLimited, HashingBusy),
)
async def register_user(account: UserRegister, session: SessionDep, response: Response) -> User:
    """Open an account with the role `user`; log in at `/api/v1/auth/token` afterwards."""
    user = await AccountService.build(session).register(account)
    response.headers["Location"] = "/api/v1/users/me"
    response.headers["Cache-Control"] = "no-store"
    return user


@router.get(
    "/me",
    summary="Read one's own account",
    response_model=UserOut,
    responses=problems(NotAuthenticated, InvalidToken),
)
async def get_own_account(_user: CurrentUser, account: OwnAccount) -> Response:
    """The account that the access token belongs to, as it is now."""
    return EntryResponse(account)
