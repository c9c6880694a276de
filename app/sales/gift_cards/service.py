"""Issuing gift cards, and stopping them."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import differences, record_audit, record_edit
from app.core.http.conditional import Precondition
from app.identity.principal import Principal
from app.sales.gift_cards.codes import code_digest, make_code
from app.sales.gift_cards.errors import no_card
from app.sales.gift_cards.repository import GiftCardRepository
from app.sales.gift_cards.schemas import GiftCardIn, GiftCardIssued, GiftCardOut, GiftCardPatch
from app.sales.models import GiftCard


class GiftCardService:
    """Issues and changes gift cards; purchases spend them."""

    def __init__(self, session: AsyncSession, cards: GiftCardRepository, currency: str) -> None:
        self._session = session
        self._cards = cards
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; cards are worth amounts of `currency` (ISO 4217)."""
        return cls(session, GiftCardRepository(session), currency)

    async def issue(self, actor: Principal, request: GiftCardIn) -> GiftCardIssued:
        """Issue a card; only this answer has its code."""
        code = make_code()
        card = GiftCard(
            code_hash=code_digest(code),
            last4=code[-4:],
            currency=self._currency,
            balance=request.amount,
            expires_on=request.expires_on,
            note=request.note,
        )
        await self._cards.issue(card, actor.user_id)
        issued = {"amount": (None, request.amount), "expires_on": (None, request.expires_on)}
        record_audit(self._session, "gift_card.issued", ("gift_card", card.id), issued)
        shown = GiftCardOut.model_validate(card)
        return GiftCardIssued(**shown.model_dump(), code=code)

    async def change(self, card_id: int, precondition: Precondition, patch: GiftCardPatch) -> None:
        """Set only what was sent. Raises GiftCardNotFound, StaleVersion."""
        card = await self._cards.lock(card_id)
        if card is None:
            raise no_card(card_id)
        precondition.check(card.version)
        changes = differences(card, patch.sent())
        record_edit(self._session, "gift_card.changed", ("gift_card", card_id), changes)
        for name, (_, value) in changes.items():
            setattr(card, name, value)
        await self._cards.flush()
