"""Writes of gift cards, each with its entry in the ledger."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import shop_today
from app.sales.gift_cards.codes import code_digest
from app.sales.gift_cards.errors import UnknownGiftCard
from app.sales.models import EntryKind, GiftCard, GiftCardEntry

_NOTHING = Decimal(0)


class GiftCardRepository:
    """Gift cards of one transaction. Whoever moves value has locked the card, of several in the order of their ids."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def redeem(self, code: str, most: Decimal, currency: str, order_id: int) -> Decimal:
        """Take what is on the card, at most `most`, for the order; what was taken.

        An order takes from a card once: while it has some of it, it takes nothing more. Raises UnknownGiftCard.
        """
        wanted = select(
            GiftCard.id, GiftCard.balance, GiftCard.currency, GiftCard.is_active, GiftCard.expires_on
        )
        is_it = GiftCard.code_hash == code_digest(code)
        card = (
            await self._session.execute(wanted.where(is_it).with_for_update(key_share=True))
        ).one_or_none()
        if (
            card is None
            or not card.is_active
            or card.currency != currency
            or (card.expires_on is not None and card.expires_on < shop_today())
        ):
            raise UnknownGiftCard("No gift card that is good has this code.")
        taken: Decimal = min(card.balance, most)
        if taken <= _NOTHING or await self._taken(order_id, [card.id]):
            return _NOTHING
        await self._move(card.id, EntryKind.REDEEMED, -taken, order_id)
        return taken

    async def give_back(self, order_id: int, amount: Decimal) -> None:
        """Put back what the order took, on the cards it came from; never more than that."""
        used = select(GiftCardEntry.gift_card_id).where(GiftCardEntry.order_id == order_id)
        locked = (
            select(GiftCard.id)
            .where(GiftCard.id.in_(used))
            .order_by(GiftCard.id)
            .with_for_update(key_share=True)
        )
        card_ids = (await self._session.scalars(locked)).all()
        for card_id, taken in (await self._taken(order_id, card_ids)).items():
            returned = min(taken, amount)
            if returned > _NOTHING:
                await self._move(card_id, EntryKind.RETURNED, returned, order_id)
                amount -= returned
        if amount > _NOTHING:
            raise ValueError(f"order {order_id} did not take {amount} more from gift cards")

    async def issue(self, card: GiftCard, actor_id: int) -> None:
        """Insert the card with what is on it."""
        self._session.add(card)
        await self._session.flush()
        issued = GiftCardEntry(gift_card_id=card.id, kind=EntryKind.ISSUED, actor_id=actor_id)
        issued.amount = issued.balance_after = card.balance
        self._session.add(issued)
        await self._session.flush()

    async def lock(self, card_id: int) -> GiftCard | None:
        """Lock the card against other writers until the transaction ends."""
        return await self._session.get(GiftCard, card_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what changed."""
        await self._session.flush()

    async def _taken(self, order_id: int, card_ids: Sequence[int]) -> dict[int, Decimal]:
        """What the order has of each of these cards, which are locked, where it has some."""
        taken = -func.sum(GiftCardEntry.amount)
        statement = (
            select(GiftCardEntry.gift_card_id, taken)
            .where(GiftCardEntry.order_id == order_id, GiftCardEntry.gift_card_id.in_(card_ids))
            .group_by(GiftCardEntry.gift_card_id)
            .having(taken > 0)
            .order_by(GiftCardEntry.gift_card_id)
        )
        return dict((await self._session.execute(statement)).all())

    async def _move(self, card_id: int, kind: EntryKind, amount: Decimal, order_id: int) -> None:
        moved = (
            update(GiftCard)
            .where(GiftCard.id == card_id)
            .values(balance=GiftCard.balance + amount)
            .returning(GiftCard.balance)
            .execution_options(synchronize_session=False)
        )
        balance = (await self._session.scalars(moved)).one()
        self._session.add(
            GiftCardEntry(
                gift_card_id=card_id, kind=kind, amount=amount, balance_after=balance, order_id=order_id
            )
        )
        await self._session.flush()
