"""Suppresses addresses, and lifts that."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.identity.emails import email_key
from app.messaging.email.models import MailSuppression, SuppressionReason
from app.messaging.email.repository import SuppressionRepository
from app.messaging.suppressions.errors import SuppressionNotFound
from app.messaging.suppressions.schemas import BounceIn, BounceType, SuppressionIn

_REASONS = {
    BounceType.HARD: SuppressionReason.HARD_BOUNCE,
    BounceType.COMPLAINT: SuppressionReason.COMPLAINT,
}


class SuppressionService:
    """What staff and mail providers do with suppressed addresses."""

    def __init__(self, session: AsyncSession, suppressions: SuppressionRepository) -> None:
        self._session = session
        self._suppressions = suppressions

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, SuppressionRepository(session))

    async def take_bounce(self, bounce: BounceIn) -> None:
        """Suppress the address that a provider reports; told twice, it is suppressed once."""
        await self._suppressions.suppress(bounce.email, _REASONS[bounce.type], bounce.detail)

    async def add(self, wanted: SuppressionIn) -> int:
        """Suppress an address by hand; its id. Raises AlreadySuppressed."""
        suppression = MailSuppression(
            email=wanted.email,
            email_key=email_key(wanted.email),
            reason=SuppressionReason.MANUAL.value,
            detail=wanted.note,
        )
        await self._suppressions.add(suppression)
        changes: dict[str, tuple[object, object]] = {"email": (None, wanted.email)}
        record_audit(self._session, "mail.suppressed", ("mail_suppression", suppression.id), changes)
        return suppression.id

    async def lift(self, suppression_id: int) -> None:
        """Let mail go there again. Raises SuppressionNotFound."""
        lifted = await self._suppressions.lift(suppression_id)
        if lifted is None:
            raise SuppressionNotFound(f"There is no suppression {suppression_id}.")
        changes: dict[str, tuple[object, object]] = {
            "email": (lifted.email, None),
            "reason": (lifted.reason, None),
        }
        record_audit(self._session, "mail.suppression_lifted", ("mail_suppression", suppression_id), changes)
