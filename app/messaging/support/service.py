"""Writing about an order."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.identity.errors import InsufficientScope
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.messaging.support.events import SupportMessageWritten
from app.messaging.support.models import SupportMessage
from app.messaging.support.queries import find_order
from app.messaging.support.repository import SupportRepository
from app.messaging.support.schemas import Author
from app.sales.orders.service import seen_user


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written; `client_id` and `origin` say by which stream it came."""

    number: str
    content: str
    client_id: str = ""
    origin: str = ""


class SupportService:
    """Keeps what buyer and staff write, and announces it in the same transaction."""

    def __init__(self, session: AsyncSession, messages: SupportRepository) -> None:
        self._session = session
        self._messages = messages

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, SupportRepository(session))

    async def write(self, caller: Principal, draft: Draft) -> int:
        """Write about one's own order, or as staff about anybody's; the message's id.

        Raises OrderNotFound, InsufficientScope.
        """
        order_id, buyer_id = await find_order(self._session, draft.number, seen_user(caller))
        is_staff = buyer_id != caller.user_id
        needed = Permission.ORDERS_MANAGE if is_staff else Permission.ORDERS_WRITE
        if not caller.may(needed):
            raise InsufficientScope(f"This needs the permission {needed}.")
        message_id = await self._messages.add(
            SupportMessage(
                order_id=order_id, user_id=caller.user_id, is_staff=is_staff, content=draft.content
            )
        )
        written = SupportMessageWritten(
            order_id,
            draft.number,
            message_id,
            Author.STAFF if is_staff else Author.BUYER,
            draft.content,
            draft.client_id,
            draft.origin,
            user_id=buyer_id,
        )
        await publish(self._session, written)
        return message_id
