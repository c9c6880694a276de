"""`/api/v1/auth`: logging in and out, refreshing, one's own sessions and password."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from app.core.db.transaction import ReadSessionDep
from app.core.http.problems import problems
from app.core.rate_limit import rate_limited
from app.identity.authentication.deps import FreshUser, SessionUser, TokenBearer
from app.identity.credentials.table import AccountEvent
from app.identity.errors import (
    CHALLENGE,
    AccountLocked,
    CsrfRefused,
    HashingBusy,
    InvalidRefreshToken,
    MfaRequired,
    NewPasswordRefused,
    NotAuthenticated,
    SessionNotFound,
    StepUpRequired,
    TokenReuse,
    WrongCredentials,
    WrongPassword,
)
from app.identity.sessions import queries
from app.identity.sessions.deps import (
    BrowserDep,
    ClientDep,
    CookieLoginDep,
    CredentialServiceDep,
    GateDep,
    LoginServiceDep,
    RefreshCookie,
    RotationServiceDep,
    SessionServiceDep,
    no_store,
    set_session_cookies,
)
from app.identity.sessions.schemas import (
    BrowserSessionOut,
    CsrfOut,
    LoginOut,
    PasswordChange,
    RefreshIn,
    SessionOut,
    TokenForm,
    TokenOut,
)

router = APIRouter(prefix="/api/v1/auth", tags=["sessions"], dependencies=[Depends(no_store)])
PasswordForm = Annotated[TokenForm, Form()]

_LOGIN = (WrongCredentials, MfaRequired, AccountLocked, HashingBusy)


@router.post(
    "/token",
    summary="Log in",
    dependencies=[Depends(rate_limited("login"))],
    responses=problems(*_LOGIN),
)
async def create_token(
    form: PasswordForm, client: ClientDep, gate: GateDep, logins: LoginServiceDep
) -> TokenOut:
    """OAuth2 password flow (RFC 6749 §4.3): `username` takes the user name or the e-mail address.

    Five wrong passwords lock what was typed for this client for half an hour, right ones included; tries by user
    name and by address count together, and once there are five of both a right one is answered as a wrong one.
    """
    proof = await gate.check_login(form.username, form.password, client)
    return await logins.log_in(proof, form.scopes)


@router.post(
    "/login",
    summary="Log in with cookies",
    dependencies=[Depends(rate_limited("login"))],
    responses=problems(*_LOGIN, CsrfRefused),
)
async def log_in_browser(
    form: PasswordForm,
    client: ClientDep,
    gate: GateDep,
    logins: LoginServiceDep,
    browser: CookieLoginDep,
) -> BrowserSessionOut:
    """As `/auth/token`, for pages in a browser: the tokens are set as HttpOnly cookies.

    Every later write then needs the header `X-CSRF-Token` and an `Origin` that is allowed. The session that
    the browser had before, whoever's, ends.
    """
    browser.check_origin()
    proof = await gate.check_login(form.username, form.password, client)
    return browser.set_cookies(await logins.log_in(proof, form.scopes, browser.before))


@router.post(
    "/refresh",
    summary="Get the next pair of tokens",
    dependencies=[Depends(rate_limited("refresh"))],
    responses=problems(NotAuthenticated, InvalidRefreshToken, TokenReuse, CsrfRefused),
)
async def refresh_token(
    request: Request,
    response: Response,
    rotation: RotationServiceDep,
    cookie: RefreshCookie,
    body: RefreshIn | None = None,
) -> LoginOut:
    """Trade a refresh token, from the body or the cookie; it works once.

    A second use within ten seconds gets tokens of the same session; a later one ends the session.
    """
    if body is not None:
        return await rotation.refresh(body.refresh_token)
    if cookie is None:
        raise NotAuthenticated("Send `refresh_token`, in the body or as a cookie.", headers=CHALLENGE)
    session_id = request.app.state.browser.check_write(request.headers)
    return set_session_cookies(request, response, await rotation.refresh(cookie, session_id))


@router.get(
    "/csrf",
    summary="Read the CSRF token of a browser's session",
    responses=problems(NotAuthenticated, InvalidRefreshToken, CsrfRefused),
)
async def get_csrf_token(request: Request, rotation: RotationServiceDep, cookie: RefreshCookie) -> CsrfOut:
    """For a page on another origin, which cannot read the cookie, after it was loaded anew."""
    if cookie is None:
        raise NotAuthenticated("Log in first.", headers=CHALLENGE)
    request.app.state.browser.check_origin(request.headers)
    session_id = await rotation.get_session_id(cookie)
    return CsrfOut(csrf_token=request.app.state.browser.csrf_token(session_id))


@router.post(
    "/logout",
    status_code=204,
    summary="Log out",
    # The access token may be left out where there is a cookie.
    openapi_extra={"security": [{}]},
    responses=problems(NotAuthenticated, CsrfRefused),
)
async def log_out(
    request: Request,
    response: Response,
    rotation: RotationServiceDep,
    caller: TokenBearer,
    cookie: RefreshCookie,
) -> None:
    """End the session of the access token, or of the cookie: all its tokens stop working at once."""
    if caller is not None:
        await rotation.end_own(caller, "logout")
        return
    if cookie is None:
        raise NotAuthenticated("Send an access token: Authorization: Bearer …", headers=CHALLENGE)
    session_id = request.app.state.browser.check_write(request.headers)
    await rotation.end_by_token(cookie, session_id, "logout")
    request.app.state.browser.clear_cookies(response)


@router.post("/logout-all", status_code=204, summary="Log out everywhere")
async def log_out_everywhere(
    response: Response, caller: FreshUser, credentials: CredentialServiceDep, browser: BrowserDep
) -> None:
    """End every session of the account, this one too, and its push messages; API keys and webhooks stay."""
    await credentials.end(caller.user_id, AccountEvent.LOGOUT_ALL)
    browser.clear_cookies(response)


@router.post(
    "/change-password",
    status_code=204,
    summary="Change one's password",
    dependencies=[Depends(rate_limited("login"))],
    responses=problems(NewPasswordRefused, WrongPassword, StepUpRequired, AccountLocked, HashingBusy),
)
async def change_password(
    body: PasswordChange, caller: SessionUser, client: ClientDep, gate: GateDep, logins: LoginServiceDep
) -> None:
    """Set a new password, proven by the current one, and by a fresh session where the account has a
    second factor. Every other session of the account ends, and so do links that were mailed.
    """
    proof, new_hash = await gate.check_change(caller, body.current_password, body.new_password, client)
    await logins.change_password(caller, proof, new_hash)


@router.get("/sessions", summary="List one's sessions")
async def list_sessions(caller: SessionUser, session: ReadSessionDep) -> list[SessionOut]:
    """The sessions under way, last used first: where the account is logged in."""
    return await queries.list_sessions(session, caller.user_id, caller.session_id)


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End one of one's sessions",
    responses=problems(SessionNotFound, StepUpRequired),
)
async def end_session(session_id: UUID, caller: SessionUser, sessions: SessionServiceDep) -> None:
    """Log that device out: its tokens stop working at once. Another than the caller's own needs a fresh proof."""
    if str(session_id) != caller.session_id:
        caller.require_fresh()
    if not await sessions.end(session_id, caller.user_id, "ended_by_owner"):
        raise SessionNotFound(f"You have no session {session_id} under way.")
