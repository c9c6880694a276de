"""Reading and writing mails, the accounts that they go to, tokens for other addresses, and who gets nothing."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Select, any_, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import delete_some
from app.core.events.events import publish_each
from app.identity.emails import email_key
from app.identity.models import User
from app.messaging.email.events import MailQueued
from app.messaging.email.models import (
    MailRecord,
    MailSuppression,
    NewsletterIssue,
    OptInToken,
    SuppressionReason,
)
from app.messaging.notifications.kinds import Channel, Kind
from app.messaging.notifications.queries import hears_of


class MailRepository:
    """Mails, and what became of each."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_user(self, user_id: int) -> User | None:
        """Find the account as it is now."""
        return await self._session.get(User, user_id)

    async def is_wanted(self, user_id: int, kind: Kind) -> bool:
        """Whether the account is mailed about this kind: always, or as it chose."""
        hears = select(hears_of(kind, Channel.MAIL)).where(User.id == user_id)
        return bool(await self._session.scalar(hears))

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

    async def add_all(self, rows: Select[*tuple[Any, ...]]) -> Sequence[int]:
        """Keep a mail for each row, whose columns are called as those of `MailRecord`, and have the queued ones sent.

        The ids of those that are new.
        """
        names = rows.selected_columns.keys()
        statement = insert(MailRecord).from_select(names, rows).on_conflict_do_nothing()
        added = (await self._session.scalars(statement.returning(MailRecord.id))).all()
        is_new = MailRecord.id == any_(cast(added, ARRAY(BigInteger)))
        queued = select(func.jsonb_build_object("mail_id", MailRecord.id))
        await publish_each(self._session, MailQueued, queued.where(is_new, MailRecord.state == "queued"))
        return added

    async def find_issue(self, issue_id: int) -> NewsletterIssue | None:
        """The issue of the newsletter that mails have."""
        return await self._session.get(NewsletterIssue, issue_id)

    async def find(self, mail_id: int) -> MailRecord | None:
        """The mail as it is now."""
        return await self._session.get(MailRecord, mail_id)

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

    async def drop_waiting(self, recipient: str, templates: Collection[str], target_id: int) -> None:
        """Drop the mails of these kinds about this that wait for the address: it wants them no more."""
        waiting = (
            MailRecord.recipient == recipient,
            MailRecord.state == "queued",
            MailRecord.template.in_(templates),
            MailRecord.details["target_id"].as_integer() == target_id,
        )
        statement = update(MailRecord).where(*waiting).values(state="dropped")
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def purge(self, before: datetime) -> int:
        """Delete the records of mails queued before; return how many."""
        return await delete_some(self._session, MailRecord.id, MailRecord.created_at < before)


class OptInRepository:
    """Tokens for addresses without an account: kept as hashes, used up by one guarded UPDATE."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, token: OptInToken) -> None:
        """Keep a new token."""
        self._session.add(token)
        await self._session.flush()

    async def end(self, purpose: str, target_id: int, now: datetime) -> None:
        """End the unused tokens that were made for this."""
        unused = (
            OptInToken.purpose == purpose,
            OptInToken.target_id == target_id,
            OptInToken.used_at.is_(None),
        )
        statement = update(OptInToken).where(*unused).values(used_at=now)
        await self._session.execute(statement.execution_options(synchronize_session=False))

    async def find_target(self, purpose: str, token_hash: bytes) -> int | None:
        """What the token is for, used or not."""
        found = select(OptInToken.target_id).where(
            OptInToken.purpose == purpose, OptInToken.token_hash == token_hash
        )
        target_id: int | None = await self._session.scalar(found)
        return target_id

    async def use(self, purpose: str, token_hash: bytes, now: datetime) -> bool:
        """Use the token up; of callers at once, one gets True."""
        good = (
            OptInToken.purpose == purpose,
            OptInToken.token_hash == token_hash,
            OptInToken.used_at.is_(None),
            OptInToken.expires_at > now,
        )
        statement = update(OptInToken).where(*good).values(used_at=now).returning(OptInToken.id)
        statement = statement.execution_options(synchronize_session=False)
        return await self._session.scalar(statement) is not None

    async def purge(self, before: datetime) -> int:
        """Delete tokens that expired before; return how many."""
        return await delete_some(self._session, OptInToken.id, OptInToken.expires_at < before)


class SuppressionRepository:
    """Addresses that get no mail."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_reason(self, email: str) -> SuppressionReason | None:
        """Why the address is suppressed; None where it is not."""
        found = select(MailSuppression.reason).where(MailSuppression.email_key == email_key(email))
        reason = await self._session.scalar(found)
        return None if reason is None else SuppressionReason(reason)

    async def suppress(self, email: str, reason: SuppressionReason, detail: str) -> None:
        """Suppress the address; of one that is, the first reason stays, but a hard bounce goes before any other."""
        given = {"reason": reason.value, "detail": detail, "created_at": func.now()}
        row = insert(MailSuppression).values(email=email, email_key=email_key(email), **given)
        is_worse = row.excluded.reason == SuppressionReason.HARD_BOUNCE.value
        statement = row.on_conflict_do_update(
            index_elements=[MailSuppression.email_key],
            set_=given,
            where=is_worse & (MailSuppression.reason != row.excluded.reason),
        )
        await self._session.execute(statement)

    async def add(self, suppression: MailSuppression) -> None:
        """Insert it, so that its id is known and the database judges whether the address is suppressed already."""
        self._session.add(suppression)
        await self._session.flush()

    async def lift(self, suppression_id: int) -> MailSuppression | None:
        """Delete it; what it was, None when it is gone."""
        gone = delete(MailSuppression).where(MailSuppression.id == suppression_id).returning(MailSuppression)
        return (await self._session.scalars(gone)).one_or_none()
