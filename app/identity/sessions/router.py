"""`/api/v1/auth`: logging in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from app.core.db import SessionDep
from app.core.errors import RateLimited
from app.core.problems import problems
from app.core.rate_limit import rate_limited
from app.identity.errors import HashingBusy, WrongCredentials
from app.identity.sessions.schemas import TokenOut
from app.identity.sessions.service import SessionService

router = APIRouter(prefix="/api/v1/auth", tags=["sessions"])


@router.post(
    "/token",
    summary="Log in",
    dependencies=[Depends(rate_limited("login"))],
    responses=problems(WrongCredentials, RateLimited, HashingBusy),
)
async def create_token(
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
    request: Request,
    response: Response,
    session: SessionDep,
) -> TokenOut:
    """OAuth2 password flow (RFC 6749 §4.3): `username` takes the user name or the e-mail address."""
    response.headers["Cache-Control"] = "no-store"
    service = SessionService.build(session, request.app.state.tokens)
    return await service.log_in(form.username, form.password, form.scopes)
