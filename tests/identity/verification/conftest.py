"""One-time tokens as the mail handler makes them, and the events that ask for mails."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import OutboxEvent
from app.identity.verification.service import TokenPurpose, VerificationService

Mail = Callable[..., Awaitable[str]]
Outbox = Callable[[], Awaitable[list[tuple[str, dict[str, object]]]]]


@pytest.fixture
def mail(session: AsyncSession) -> Mail:
    """The token that is mailed to the address."""

    async def issue(user_id: int, purpose: TokenPurpose, email: str) -> str:
        return await VerificationService.build(session).issue(user_id, purpose, email)

    return issue


@pytest.fixture
def outbox(session: AsyncSession) -> Outbox:
    """Type and payload of every event, oldest first."""

    async def read() -> list[tuple[str, dict[str, object]]]:
        events = await session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))
        return [(event.type, event.payload) for event in events]

    return read
