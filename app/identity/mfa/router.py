"""`/api/v1/auth/mfa`: authenticator apps, recovery codes, and the second half of a login."""

from fastapi import APIRouter, Depends, Request, Response

from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.rate_limit import rate_limited
from app.identity.authentication.deps import SessionUser
from app.identity.errors import CsrfRefused
from app.identity.mfa.deps import ProofDep, SecondFactorDep
from app.identity.mfa.errors import (
    MfaTokenRefused,
    SecondFactorLocked,
    TotpEnabled,
    TotpNotEnabled,
    TotpNotPending,
    WrongSecondFactor,
    WrongTotpCode,
)
from app.identity.mfa.schemas import (
    MfaAnswer,
    RecoveryCodesOut,
    SecondFactorOut,
    TotpConfirmation,
    TotpEnrolment,
)
from app.identity.mfa.second_step import MfaLogin
from app.identity.sessions.deps import CookieLoginDep
from app.identity.sessions.schemas import LoginOut

router = APIRouter(prefix="/api/v1/auth/mfa", tags=["second factor"], route_class=IdempotentRoute)

_LIMITED = [Depends(rate_limited("second_factor"))]


@router.get("", summary="Read one's second factor")
async def get_second_factor(caller: SessionUser, factors: SecondFactorDep) -> SecondFactorOut:
    """What the account has beside its password, and whether the shop demands more."""
    return await factors.read(caller)


@router.post(
    "",
    summary="Finish a login",
    dependencies=_LIMITED,
    responses=problems(MfaTokenRefused, WrongSecondFactor, SecondFactorLocked, CsrfRefused),
)
async def finish_login(
    answer: MfaAnswer,
    request: Request,
    response: Response,
    session: SessionDep,
    browser: CookieLoginDep,
) -> LoginOut:
    """Answer the `mfa_token` of an `mfa-required` problem with the app's code or a recovery code.

    The token lasts five minutes, is good for one login and dead after five wrong answers. With
    `cookies` the tokens are set as HttpOnly cookies and the browser's old session ends, as `/auth/login` does.
    """
    response.headers["Cache-Control"] = "no-store"
    login = MfaLogin.build(session, request.app.state.tokens, request.app.state.settings)
    if not answer.cookies:
        return await login.finish(answer)
    browser.check_origin()
    return browser.set_cookies(await login.finish(answer, browser.before))


@router.post(
    "/totp",
    status_code=201,
    summary="Set up an authenticator app",
    dependencies=[*_LIMITED, IDEMPOTENT],
    responses=problems(TotpEnabled),
)
async def enrol_totp(caller: SessionUser, proof: ProofDep, factors: SecondFactorDep) -> TotpEnrolment:
    """A secret for the app, shown once. It counts from the first code on, which it waits for ten minutes:
    `POST /auth/mfa/totp/confirm`.
    """
    return await factors.enrol(caller, proof)


@router.post(
    "/totp/confirm",
    summary="Turn the authenticator app on",
    dependencies=[*_LIMITED, IDEMPOTENT],
    responses=problems(TotpNotPending, WrongTotpCode),
)
async def confirm_totp(
    confirmation: TotpConfirmation, caller: SessionUser, factors: SecondFactorDep
) -> RecoveryCodesOut:
    """Send the first code. Logins need a code from now on, every other session ends, and ten recovery
    codes are shown, this once.
    """
    return RecoveryCodesOut(recovery_codes=await factors.confirm(caller, confirmation.code))


@router.post(
    "/totp/disable",
    status_code=204,
    summary="Remove the authenticator app",
    dependencies=_LIMITED,
    responses=problems(TotpNotEnabled),
)
async def disable_totp(caller: SessionUser, proof: ProofDep, factors: SecondFactorDep) -> None:
    """Remove the app and the recovery codes: the password alone is enough again. Every other session ends."""
    await factors.disable(caller, proof)


@router.post(
    "/recovery-codes",
    summary="Make new recovery codes",
    dependencies=[*_LIMITED, IDEMPOTENT],
    responses=problems(TotpNotEnabled),
)
async def replace_recovery_codes(
    caller: SessionUser, proof: ProofDep, factors: SecondFactorDep
) -> RecoveryCodesOut:
    """Ten new codes, shown this once; the older ones stop working."""
    return RecoveryCodesOut(recovery_codes=await factors.replace_codes(caller, proof))
