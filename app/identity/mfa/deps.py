"""What routes that change a second factor are given."""

from typing import Annotated

from fastapi import Depends, Request, Response

from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.identity.authentication.deps import SessionUser
from app.identity.errors import AccountLocked, HashingBusy, StepUpRequired, WrongPassword
from app.identity.mfa.schemas import PasswordConfirmation
from app.identity.mfa.service import SecondFactorService
from app.identity.sessions.deps import ClientDep, GateDep
from app.identity.sessions.gate import Proof


@refuses(StepUpRequired, WrongPassword, AccountLocked, RateLimited, HashingBusy)
async def prove_password(
    caller: SessionUser, gate: GateDep, client: ClientDep, confirmation: PasswordConfirmation | None = None
) -> Proof | None:
    """The password once more, if it is sent, checked before any transaction begins; see `LoginService.confirm_owner`.

    Raises AccountLocked, RateLimited, HashingBusy.
    """
    if confirmation is None:
        return None
    return await gate.check_own(caller.user_id, confirmation.password, client)


ProofDep = Annotated[Proof | None, Depends(prove_password)]


async def get_second_factor_service(
    request: Request, response: Response, session: SessionDep
) -> SecondFactorService:
    """The second factor on the request's transaction; its answers are nobody else's."""
    response.headers["Cache-Control"] = "private, no-store"
    return SecondFactorService.build(session, request.app.state.tokens, request.app.state.settings)


SecondFactorDep = Annotated[SecondFactorService, Depends(get_second_factor_service, scope="function")]
