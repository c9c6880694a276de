"""What every change of a second factor does beside the change: audit, mail, and the caches of all workers."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.events.events import publish
from app.identity.events import SecondFactorChanged
from app.identity.principal import account_group


async def record_factor_change(
    session: AsyncSession, user_id: int, what: str, *, factor: object = None
) -> None:
    """Audit the change as `mfa.<what>`, tell the owner by mail, and drop what is cached of the account.

    `factor` names the passkey that changed. Whoever is not logged in acts for the account itself.
    """
    changes: dict[str, tuple[object, object]] = {} if factor is None else {"passkey": (None, factor)}
    record_audit(session, f"mfa.{what}", ("user", user_id), changes, actor_id=user_id)
    await publish(session, SecondFactorChanged(user_id, what))
    invalidate(session, account_group(user_id))
