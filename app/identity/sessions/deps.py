"""What the routes of logging in are given."""

from typing import Annotated

from fastapi import Cookie, Depends, Request, Response

from app.core.db.transaction import SessionDep
from app.core.rate_limit import client_address
from app.identity.authentication.csrf import REFRESH_COOKIE, BrowserGuard
from app.identity.credentials.service import CredentialService
from app.identity.sessions.gate import Client, PasswordGate
from app.identity.sessions.password_login import LoginService
from app.identity.sessions.rotation import RotationService
from app.identity.sessions.schemas import BrowserSessionOut, TokenOut
from app.identity.sessions.service import SessionService


async def no_store(response: Response) -> None:
    """Nothing about logins is kept on the way."""
    response.headers["Cache-Control"] = "no-store"


async def get_client(request: Request) -> Client:
    """The client as limits and locks know it."""
    return Client(ip=request.client.host if request.client else "", network=client_address(request))


async def get_password_gate(request: Request) -> PasswordGate:
    """The gate that checks passwords before any transaction begins."""
    return PasswordGate(request.app.state.database, request.app.state.rate_limiter)


async def get_browser_guard(request: Request) -> BrowserGuard:
    """The process's guard of cookies."""
    browser: BrowserGuard = request.app.state.browser
    return browser


async def get_session_service(request: Request, session: SessionDep) -> SessionService:
    """Sessions on the request's transaction."""
    return SessionService.build(session, request.app.state.tokens)


async def get_credential_service(session: SessionDep) -> CredentialService:
    """What ends credentials, on the request's transaction."""
    return CredentialService.build(session)


async def get_login_service(request: Request, session: SessionDep) -> LoginService:
    """Logging in on the request's transaction."""
    return LoginService.build(session, request.app.state.tokens, request.app.state.settings)


async def get_rotation_service(request: Request, session: SessionDep) -> RotationService:
    """Refreshing on the request's transaction."""
    return RotationService.build(session, request.app.state.tokens)


def set_session_cookies(request: Request, response: Response, tokens: TokenOut) -> BrowserSessionOut:
    """Set the tokens as cookies; the answer then holds none of them."""
    browser: BrowserGuard = request.app.state.browser
    session_id = request.app.state.tokens.read(tokens.access_token).session_id
    csrf_token = browser.csrf_token(session_id)
    browser.set_cookies(response, (tokens.access_token, tokens.expires_in), tokens.refresh_token, csrf_token)
    return BrowserSessionOut(csrf_token=csrf_token, expires_in=tokens.expires_in, scope=tokens.scope)


ClientDep = Annotated[Client, Depends(get_client)]
GateDep = Annotated[PasswordGate, Depends(get_password_gate)]
BrowserDep = Annotated[BrowserGuard, Depends(get_browser_guard)]
SessionServiceDep = Annotated[SessionService, Depends(get_session_service)]
CredentialServiceDep = Annotated[CredentialService, Depends(get_credential_service)]
LoginServiceDep = Annotated[LoginService, Depends(get_login_service)]
RotationServiceDep = Annotated[RotationService, Depends(get_rotation_service)]
RefreshCookie = Annotated[str | None, Cookie(alias=REFRESH_COOKIE, include_in_schema=False)]
