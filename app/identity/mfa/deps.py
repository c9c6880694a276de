"""What routes that change a second factor are given."""

from typing import Annotated

from fastapi import Depends

from app.core.errors import RateLimited, refuses
from app.identity.authentication.deps import SessionUser
from app.identity.errors import AccountLocked, HashingBusy, WrongPassword
from app.identity.mfa.schemas import PasswordConfirmation
from app.identity.sessions.deps import ClientDep, GateDep
from app.identity.sessions.gate import Proof


@refuses(WrongPassword, AccountLocked, RateLimited, HashingBusy)
async def prove_password(
    confirmation: PasswordConfirmation, caller: SessionUser, gate: GateDep, client: ClientDep
) -> Proof:
    """The password once more, checked before any transaction begins. Raises AccountLocked, RateLimited, HashingBusy.

    A stolen session alone changes no factor, nor plants a way in that outlives it.
    """
    return await gate.check_own(caller.user_id, confirmation.password, client)


ProofDep = Annotated[Proof, Depends(prove_password)]
