"""`/api/v1/auth/passkeys`: one's own passkeys, and logging in with one."""

from fastapi import APIRouter, Depends

from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.schemas import RowId
from app.core.rate_limit import rate_limited
from app.identity.authentication.deps import FreshUser, SessionUser
from app.identity.errors import CsrfRefused
from app.identity.mfa.deps import ProofDep
from app.identity.passkeys.deps import PasskeyDep, PasskeyLoginDep
from app.identity.passkeys.errors import (
    PasskeyCopied,
    PasskeyNotAccepted,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyRegistered,
    TooManyPasskeys,
)
from app.identity.passkeys.schemas import (
    PasskeyAssertion,
    PasskeyList,
    PasskeyOptions,
    PasskeyOut,
    PasskeyPatch,
    PasskeyRegistration,
)
from app.identity.sessions.deps import CookieLoginDep
from app.identity.sessions.schemas import LoginOut

router = APIRouter(prefix="/api/v1/auth/passkeys", tags=["second factor"], route_class=IdempotentRoute)

_LIMITED = [Depends(rate_limited("second_factor"))]


@router.post(
    "/register/options",
    summary="Begin to register a passkey",
    dependencies=_LIMITED,
    responses=problems(TooManyPasskeys),
)
async def begin_passkey_registration(
    proof: ProofDep, caller: SessionUser, passkeys: PasskeyDep
) -> PasskeyOptions:
    """Options for `navigator.credentials.create()`: a discoverable passkey that verifies its user."""
    return PasskeyOptions(public_key=await passkeys.begin_registration(caller, proof))


@router.post(
    "/register/verify",
    status_code=201,
    summary="Register a passkey",
    dependencies=[*_LIMITED, IDEMPOTENT],
    responses=problems(PasskeyNotAccepted, PasskeyRegistered, TooManyPasskeys),
)
async def register_passkey(
    registration: PasskeyRegistration, caller: SessionUser, passkeys: PasskeyDep
) -> PasskeyOut:
    """Send what the authenticator made, in the session that asked for the options."""
    return await passkeys.register(caller, registration)


@router.post("/login/options", summary="Begin to log in with a passkey", dependencies=_LIMITED)
async def begin_passkey_login(login: PasskeyLoginDep) -> PasskeyOptions:
    """Options for `navigator.credentials.get()`; no name is needed, the passkey says whose it is."""
    return PasskeyOptions(public_key=login.begin_login())


@router.post(
    "/login/verify",
    summary="Log in with a passkey",
    dependencies=_LIMITED,
    responses=problems(PasskeyRefused, PasskeyCopied, CsrfRefused),
)
async def finish_passkey_login(
    assertion: PasskeyAssertion, login: PasskeyLoginDep, browser: CookieLoginDep
) -> LoginOut:
    """Send what the authenticator signed. A passkey counts as two factors: no code is asked for.

    With `cookies` the tokens are set as HttpOnly cookies and the browser's old session ends, as `/auth/login` does.
    """
    if not assertion.cookies:
        return await login.log_in(assertion)
    browser.check_origin()
    return browser.set_cookies(await login.log_in(assertion, browser.before))


@router.get("", summary="List one's passkeys")
async def list_passkeys(caller: SessionUser, passkeys: PasskeyDep) -> PasskeyList:
    """All of one's own passkeys, oldest first."""
    return await passkeys.list_own(caller)


@router.patch("/{passkey_id}", summary="Rename a passkey", responses=problems(PasskeyNotFound))
async def rename_passkey(
    passkey_id: RowId, patch: PasskeyPatch, caller: SessionUser, passkeys: PasskeyDep
) -> PasskeyOut:
    """Call one of one's own passkeys something else."""
    return await passkeys.rename(caller, passkey_id, patch.name)


@router.delete(
    "/{passkey_id}", status_code=204, summary="Remove a passkey", responses=problems(PasskeyNotFound)
)
async def remove_passkey(passkey_id: RowId, caller: FreshUser, passkeys: PasskeyDep) -> None:
    """Let one of one's own passkeys open nothing any more. Sessions that it opened go on."""
    await passkeys.remove(caller, passkey_id)
