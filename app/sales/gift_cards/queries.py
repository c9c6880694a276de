"""Reads of gift cards for display."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import shop_today
from app.core.db.paging import ListQuery, Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.gift_cards.codes import code_digest
from app.sales.gift_cards.errors import UnknownGiftCard, no_card
from app.sales.gift_cards.schemas import BalanceOut, EntryOut, GiftCardFilter, GiftCardOut
from app.sales.models import GiftCard, GiftCardEntry

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    GiftCard.id,
    GiftCard.last4,
    GiftCard.balance,
    GiftCard.currency,
    GiftCard.expires_on,
    GiftCard.note,
    GiftCard.is_active,
    GiftCard.version,
    GiftCard.created_at,
    GiftCard.updated_at,
)
_CARD = select(*_COLUMNS, snapshot_text).where(GiftCard.id == bindparam("card"))
_ENTRY: Sequence[SQLColumnExpression[Any]] = (
    GiftCardEntry.id,
    GiftCardEntry.kind,
    GiftCardEntry.amount,
    GiftCardEntry.balance_after,
    GiftCardEntry.order_id,
    GiftCardEntry.actor_id,
    GiftCardEntry.created_at,
)
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "created_at": GiftCard.created_at,
    "balance": GiftCard.balance,
}


async def get_balance(connection: AsyncConnection, code: str) -> ReadResult:
    """What is on the card with this code, which may be over. Raises UnknownGiftCard, also of one that staff stopped."""
    is_it = (GiftCard.code_hash == code_digest(code), GiftCard.is_active)
    row = (await connection.execute(select(*_COLUMNS, snapshot_text).where(*is_it))).one_or_none()
    if row is None:
        raise UnknownGiftCard("No gift card has this code.")
    return ReadResult(BalanceOut.model_validate(row), row.snapshot)


async def get_gift_card(connection: AsyncConnection, card_id: int) -> ReadResult:
    """One gift card. Raises GiftCardNotFound."""
    row = (await connection.execute(_CARD, {"card": card_id})).one_or_none()
    if row is None:
        raise no_card(card_id)
    card = GiftCardOut.model_validate(row)
    return ReadResult(card, row.snapshot, version_etag(card.version, int(card.balance * 100)))


async def list_gift_cards(connection: AsyncConnection, query: GiftCardFilter, pager: Pager) -> ReadResult:
    """One page of gift cards. Raises InvalidCursor."""
    window = pager.window(query)
    order = Order.by(query.sort, _SORT_COLUMNS, GiftCard.id)
    found = await find_page(
        connection, select(GiftCard.id).where(*_conditions(query)), order, window, _COLUMNS
    )
    cards = [GiftCardOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, cards), found.snapshot)


async def list_entries(
    connection: AsyncConnection, card_id: int, query: ListQuery, pager: Pager
) -> ReadResult:
    """One page of a card's ledger, the newest first. Raises GiftCardNotFound, InvalidCursor."""
    await get_gift_card(connection, card_id)
    window = pager.window(query)
    matching = select(GiftCardEntry.id).where(GiftCardEntry.gift_card_id == card_id)
    order = Order(keys=((GiftCardEntry.id.expression, True),))
    found = await find_page(connection, matching, order, window, _ENTRY)
    entries = [EntryOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, entries), found.snapshot)


def _conditions(query: GiftCardFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.last4 is not None:
        conditions.append(GiftCard.last4 == query.last4.upper())
    if query.is_active is not None:
        conditions.append(GiftCard.is_active == query.is_active)
    if query.has_balance is not None:
        conditions.append(GiftCard.balance > 0 if query.has_balance else GiftCard.balance == 0)
    if query.is_expired is not None:
        is_expired = func.coalesce(GiftCard.expires_on < shop_today(), False)
        conditions.append(is_expired if query.is_expired else ~is_expired)
    return conditions
