"""`/api/v1/auth/step-up`: a fresh proof of who one is, for what outlives a session."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.http.problems import problems
from app.core.rate_limit import rate_limited
from app.identity.authentication.deps import SessionUser
from app.identity.errors import AccountLocked, HashingBusy, WrongPassword
from app.identity.mfa.errors import SecondFactorLocked, SecondFactorNeeded, WrongSecondFactor
from app.identity.passkeys.errors import PasskeyCopied, PasskeyRefused
from app.identity.sessions.deps import ClientDep, GateDep, no_store
from app.identity.sessions.gate import Proof
from app.identity.step_up.schemas import StepUpIn, StepUpOut
from app.identity.step_up.service import StepUpService

router = APIRouter(prefix="/api/v1/auth", tags=["sessions"], dependencies=[Depends(no_store)])


@refuses(WrongPassword, AccountLocked, RateLimited, HashingBusy)
async def get_proof(answer: StepUpIn, caller: SessionUser, gate: GateDep, client: ClientDep) -> Proof | None:
    """The password that was sent, checked before any transaction begins. Raises AccountLocked, RateLimited, HashingBusy."""
    if answer.password is None:
        return None
    return await gate.check_own(caller.user_id, answer.password, client)


async def get_step_up_service(request: Request, session: SessionDep) -> StepUpService:
    """Step-up on the request's transaction."""
    return StepUpService.build(session, request.app.state.tokens, request.app.state.settings)


@router.post(
    "/step-up",
    summary="Prove once more who one is",
    dependencies=[Depends(rate_limited("second_factor"))],
    responses=problems(
        SecondFactorNeeded, WrongSecondFactor, SecondFactorLocked, PasskeyRefused, PasskeyCopied
    ),
)
async def step_up(
    answer: StepUpIn,
    caller: SessionUser,
    proof: Annotated[Proof | None, Depends(get_proof)],
    service: Annotated[StepUpService, Depends(get_step_up_service, scope="function")],
) -> StepUpOut:
    """Answer a `step-up-required` problem, then send the refused request again: this session may do for five
    minutes what outlives it. The tokens stay as they are.

    Send the password, with a code where the account has an authenticator app; or a passkey's assertion.
    """
    return await service.step_up(caller, UUID(caller.session_id), proof, answer)
