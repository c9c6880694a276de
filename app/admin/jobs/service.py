"""What operators do with events that were given up; each leaves an entry in the audit log."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.jobs.errors import no_dead_letter
from app.admin.jobs.repository import DeadLetterRepository
from app.core.audit import record_audit


class DeadLetterService:
    """Dead letters are tried again or discarded; the worker's part begins after the commit."""

    def __init__(self, session: AsyncSession, letters: DeadLetterRepository) -> None:
        self._session = session
        self._letters = letters

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, DeadLetterRepository(session))

    async def retry(self, event_id: int) -> None:
        """Have the event tried again, as often as a new one. Raises DeadLetterNotFound."""
        letters = await self._letters.retry(event_id=event_id)
        if not letters:
            raise no_dead_letter(event_id)
        [letter] = letters
        told = {"type": (letter.type, letter.type), "error": (letter.error, None)}
        record_audit(self._session, "dead_letter.retried", ("dead_letter", event_id), told)

    async def retry_all(self, kind: str) -> int:
        """Have all of the type tried again; how many they are, which may be none."""
        letters = await self._letters.retry(kind=kind)
        if letters:
            told = {"dead": (len(letters), 0), "last_id": (letters[-1].id, None)}
            record_audit(self._session, "dead_letters.retried", ("event_type", kind), told)
        return len(letters)

    async def discard(self, event_id: int, note: str) -> None:
        """Delete the letter for good; type, reason and note stay in the audit log. Raises DeadLetterNotFound."""
        letter = await self._letters.discard(event_id)
        if letter is None:
            raise no_dead_letter(event_id)
        told = {"type": (letter.type, None), "error": (letter.error, None), "note": (None, note)}
        record_audit(self._session, "dead_letter.discarded", ("dead_letter", event_id), told)
