"""Reading and writing mails, and the accounts that they go to."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import delete_some
from app.identity.models import User
from app.messaging.email.models import MailRecord


class MailRepository:
    """Mails, and what became of each."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_user(self, user_id: int) -> User | None:
        """Find the account as it is now."""
        return await self._session.get(User, user_id)

    async def add(self, record: MailRecord) -> int | None:
        """Queue the mail and return its id; None when the event has queued it before."""
        statement = (
            insert(MailRecord)
            .values(
                event_id=record.event_id,
                template=record.template,
                recipient=record.recipient,
                user_id=record.user_id,
                language=record.language,
                details=record.details,
            )
            .on_conflict_do_nothing()
            .returning(MailRecord.id)
        )
        return await self._session.scalar(statement)

    async def lock(self, mail_id: int) -> MailRecord | None:
        """Lock the mail until the transaction ends."""
        statement = select(MailRecord).where(MailRecord.id == mail_id).with_for_update()
        return (await self._session.scalars(statement)).one_or_none()

    async def move(self, mail_id: int, before: str, after: str, **times: datetime) -> bool:
        """Change the state, if it still is `before`; return whether it was."""
        statement = (
            update(MailRecord)
            .where(MailRecord.id == mail_id, MailRecord.state == before)
            .values(state=after, **times)
            .returning(MailRecord.id)
            .execution_options(synchronize_session=False)
        )
        return await self._session.scalar(statement) is not None

    async def purge(self, before: datetime) -> int:
        """Delete the records of mails queued before; return how many."""
        return await delete_some(self._session, MailRecord.id, MailRecord.created_at < before)
