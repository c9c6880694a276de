"""What the routes of logging in are given."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.core.rate_limit import client_address
from app.identity.authentication.csrf import ACCESS_COOKIE, REFRESH_COOKIE, BrowserGuard
from app.identity.credentials.service import CredentialService
from app.identity.errors import DoubledCookie
from app.identity.sessions.gate import Client, PasswordGate
from app.identity.sessions.password_login import LoginService
from app.identity.sessions.rotation import RotationService
from app.identity.sessions.schemas import BrowserSessionOut, TokenOut
from app.identity.sessions.service import BrowserTokens, SessionService


async def no_store(response: Response) -> None:
    """Nothing about logins is kept on the way."""
    response.headers["Cache-Control"] = "no-store"


async def get_client(request: Request) -> Client:
    """The client as limits and locks know it."""
    return Client(ip=request.client.host if request.client else "", network=client_address(request))


async def get_password_gate(request: Request) -> PasswordGate:
    """The gate that checks passwords before any transaction begins."""
    state = request.app.state
    return PasswordGate(state.database, state.rate_limiter, state.breached_passwords)


async def get_browser_guard(request: Request) -> BrowserGuard:
    """The process's guard of cookies."""
    browser: BrowserGuard = request.app.state.browser
    return browser


BrowserDep = Annotated[BrowserGuard, Depends(get_browser_guard)]


@refuses(DoubledCookie)
async def get_refresh_cookie(request: Request, browser: BrowserDep) -> str | None:
    """The refresh token in the cookie, if there is one. Raises DoubledCookie."""
    return browser.read_cookie(request.headers, REFRESH_COOKIE)


RefreshCookie = Annotated[str | None, Depends(get_refresh_cookie)]


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


class CookieLogin:
    """A login by cookie: where the page is from, what the browser had before, and what it has afterwards."""

    def __init__(self, request: Request, response: Response, before: BrowserTokens) -> None:
        self._request = request
        self._response = response
        self.before = before

    def check_origin(self) -> None:
        """Check where the page comes from. Raises CsrfRefused."""
        browser: BrowserGuard = self._request.app.state.browser
        browser.check_origin(self._request.headers)

    def set_cookies(self, tokens: TokenOut) -> BrowserSessionOut:
        """Set the tokens as cookies."""
        return set_session_cookies(self._request, self._response, tokens)


async def get_cookie_login(
    request: Request, response: Response, browser: BrowserDep, refresh: RefreshCookie
) -> CookieLogin:
    """For every route that logs in and may do so by cookie. Raises DoubledCookie."""
    before = BrowserTokens(refresh, browser.read_cookie(request.headers, ACCESS_COOKIE))
    return CookieLogin(request, response, before)


ClientDep = Annotated[Client, Depends(get_client)]
GateDep = Annotated[PasswordGate, Depends(get_password_gate)]
SessionServiceDep = Annotated[SessionService, Depends(get_session_service)]
CredentialServiceDep = Annotated[CredentialService, Depends(get_credential_service)]
LoginServiceDep = Annotated[LoginService, Depends(get_login_service)]
RotationServiceDep = Annotated[RotationService, Depends(get_rotation_service)]
CookieLoginDep = Annotated[CookieLogin, Depends(get_cookie_login)]
