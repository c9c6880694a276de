"""`/api/v1/auth/verify-email` and `/api/v1/auth/password-reset`: proving addresses, resetting passwords."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.rate_limit import RateLimiter, rate_limited
from app.identity.emails import address_digest
from app.identity.errors import EmailTaken, HashingBusy, InvalidOneTimeToken, NewPasswordRefused
from app.identity.verification.schemas import (
    EmailProof,
    EmailProvenOut,
    MailAddressIn,
    MailedOut,
    PasswordResetIn,
)
from app.identity.verification.service import PasswordResetService, VerificationService

router = APIRouter(prefix="/api/v1/auth", tags=["verification"], route_class=IdempotentRoute)


@refuses(RateLimited)
async def get_address(request: Request, wanted: MailAddressIn) -> str:
    """The address to mail to. Raises RateLimited when it got too many mails, whether there is such an account or not."""
    limiter: RateLimiter = request.app.state.rate_limiter
    await limiter.check("mail_address", address_digest(wanted.email))
    return wanted.email


async def get_verification(session: SessionDep, response: Response) -> VerificationService:
    """One-time tokens on the request's transaction; no answer about them is stored."""
    response.headers["Cache-Control"] = "no-store"
    return VerificationService.build(session)


async def get_password_reset(
    request: Request, session: SessionDep, response: Response
) -> PasswordResetService:
    """Resetting passwords on the request's transaction."""
    response.headers["Cache-Control"] = "no-store"
    return PasswordResetService.build(session, request.app.state.database)


Address = Annotated[str, Depends(get_address)]
VerificationDep = Annotated[VerificationService, Depends(get_verification, scope="function")]
PasswordResetDep = Annotated[PasswordResetService, Depends(get_password_reset, scope="function")]


@router.post(
    "/verify-email/request",
    status_code=202,
    summary="Ask for the verification mail again",
    dependencies=[Depends(rate_limited("mail")), IDEMPOTENT],
)
async def request_email_verification(email: Address, verification: VerificationDep) -> MailedOut:
    """Mail a link if the address is an account's and not verified. The answer is always the same."""
    await verification.request_verification(email)
    return MailedOut()


@router.post(
    "/verify-email",
    summary="Prove an e-mail address",
    dependencies=[Depends(rate_limited("mail_proof"))],
    responses=problems(InvalidOneTimeToken, EmailTaken),
)
async def verify_email(proof: EmailProof, verification: VerificationDep) -> EmailProvenOut:
    """The token comes from the mail that registration or a change of address sends.

    After a change of address the new one is the account's from now on, and the old one is told.
    """
    user = await verification.prove_email(proof.token)
    return EmailProvenOut(email=user.email, is_verified=user.is_verified)


@router.post(
    "/email-change/stop",
    status_code=204,
    summary="Stop a change of e-mail address",
    dependencies=[Depends(rate_limited("mail_proof"))],
    responses=problems(InvalidOneTimeToken),
)
async def stop_email_change(proof: EmailProof, verification: VerificationDep) -> None:
    """The token comes from the mail that the present address gets when another one is asked for.

    The address stays; every session and API key of the account ends, since somebody else may hold one.
    """
    await verification.stop_email_change(proof.token)


@router.post(
    "/password-reset",
    status_code=202,
    summary="Ask for a mail to reset the password",
    dependencies=[Depends(rate_limited("mail")), IDEMPOTENT],
)
async def request_password_reset(email: Address, verification: VerificationDep) -> MailedOut:
    """Mail a link if the address is an account's. The answer is always the same."""
    await verification.request_reset(email)
    return MailedOut()


@router.post(
    "/password-reset/confirm",
    status_code=204,
    summary="Set a new password with a mailed token",
    dependencies=[Depends(rate_limited("mail_proof"))],
    responses=problems(InvalidOneTimeToken, NewPasswordRefused, HashingBusy),
)
async def reset_password(request: Request, change: PasswordResetIn, password_reset: PasswordResetDep) -> None:
    """Set the password; every session, API key, passkey and webhook of the account ends. Log in afterwards, second
    factor included: that stays, unless nobody had proven the address before.
    """
    await password_reset.reset(change.token, change.new_password, request.app.state.breached_passwords)
