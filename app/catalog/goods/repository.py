"""Writes of items and their stock."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.catalog.models import BookCategory, Item, MovementKind, PriceSource
from app.core.db.driver import driver_connection


class ItemRepository:
    """Writes and locks what every item has, of whatever kind it is."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, item: Item) -> None:
        """Insert the item, so that its id is known; a taken SKU is refused at once."""
        self._session.add(item)
        await self._session.flush()

    async def lock(self, item_id: int) -> Item | None:
        """Lock the item against other writers until the transaction ends."""
        return await self._session.get(Item, item_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what changed, so that whoever reads next in this transaction sees it."""
        await self._session.flush()

    async def list_category_ids(self, item_id: int) -> list[int]:
        """The ids of the item's categories, ascending."""
        placed = select(BookCategory.category_id).where(BookCategory.book_id == item_id)
        return list(await self._session.scalars(placed.order_by(BookCategory.category_id)))

    async def set_categories(self, item_id: int, category_ids: Iterable[int]) -> None:
        """Replace the categories."""
        await self._session.execute(delete(BookCategory).where(BookCategory.book_id == item_id))
        rows = [{"book_id": item_id, "category_id": one} for one in sorted(set(category_ids))]
        if rows:
            await self._session.execute(insert(BookCategory), rows)

    async def delete(self, item: Item) -> None:
        """Delete the item with everything that belongs to it; the ledger keeps its entries."""
        await self._session.execute(delete(Item).where(Item.id == item.id))


_OPEN = """
    WITH new AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::integer[]) AS new (item_id, quantity)),
    levels AS (INSERT INTO stock_levels (item_id, on_hand) SELECT item_id, quantity FROM new)
    INSERT INTO stock_movements (item_id, delta, balance_after, kind, actor_id)
    SELECT item_id, quantity, quantity, $3, $4::bigint FROM new WHERE quantity <> 0
"""
# Sales change levels without locking the item, so the levels are locked before they are compared. Of what is
# sold before it is there at least the rest of the limit stays available, for no fewer than none are on hand; of
# what is not sold none is, however many are put there.
_SET = """
    WITH wanted AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::integer[]) AS wanted (item_id, quantity)),
    locked AS MATERIALIZED (
        SELECT item_id, quantity, on_hand, available, greatest(0, reserved + quantity - oversell_limit) AS target,
            CASE WHEN sale_policy = 'none' THEN 0 ELSE greatest(quantity, oversell_limit - reserved) END AS reached
        FROM stock_levels JOIN wanted USING (item_id) ORDER BY item_id FOR UPDATE OF stock_levels
    ), changed AS (
        UPDATE stock_levels SET on_hand = target, version = version + 1 FROM locked
        WHERE stock_levels.item_id = locked.item_id AND quantity <> locked.available AND target <> locked.on_hand
        RETURNING stock_levels.item_id, target - locked.on_hand AS delta, stock_levels.on_hand
    ), moved AS (
        INSERT INTO stock_movements (item_id, delta, balance_after, kind, actor_id)
        SELECT item_id, delta, on_hand, $3, $4::bigint FROM changed
    )
    SELECT item_id, available, reached FROM locked
"""
# All or nothing: where one item cannot give that many, or would have too many, nothing moves. What is reserved
# was available; what is taken without having been reserved leaves what is reserved for others covered.
_MOVE = """
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest($1::bigint[], $2::integer[], $3::integer[]) AS wanted (item_id, delta, reserved_delta)
    ), locked AS MATERIALIZED (
        SELECT item_id, delta, reserved_delta, on_hand, reserved, oversell_limit, available
        FROM stock_levels JOIN wanted USING (item_id) ORDER BY item_id FOR UPDATE OF stock_levels
    ), possible AS (
        SELECT count(*) = cardinality($1) AND bool_and(
            on_hand + delta BETWEEN 0 AND $4 AND reserved + reserved_delta >= 0
            AND on_hand + delta + oversell_limit >= reserved + reserved_delta
            AND available >= reserved_delta) AS is_possible
        FROM locked
    ), changed AS (
        UPDATE stock_levels SET on_hand = stock_levels.on_hand + delta,
            reserved = stock_levels.reserved + reserved_delta, version = version + 1
        FROM locked, possible
        WHERE stock_levels.item_id = locked.item_id AND is_possible
        RETURNING stock_levels.item_id, delta, reserved_delta, stock_levels.on_hand
    ), moved AS (
        INSERT INTO stock_movements (
            item_id, delta, reserved_delta, balance_after, kind, actor_id, reason, order_id)
        SELECT item_id, delta, reserved_delta, on_hand, $5, $6::bigint, $7, $8::bigint FROM changed ORDER BY item_id
        RETURNING id, item_id
    )
    SELECT item_id, on_hand, available, moved.id FROM locked LEFT JOIN moved USING (item_id) ORDER BY item_id
"""
_LOCK = "SELECT item_id FROM stock_levels WHERE item_id = ANY ($1::bigint[]) ORDER BY item_id FOR UPDATE"
_CLOSE = """
    WITH locked AS MATERIALIZED (
        SELECT item_id, on_hand, reserved FROM stock_levels WHERE item_id = ANY ($1::bigint[])
        ORDER BY item_id FOR UPDATE
    )
    INSERT INTO stock_movements (item_id, delta, reserved_delta, balance_after, kind, actor_id)
    SELECT item_id, -on_hand, -reserved, 0, $2, $3::bigint FROM locked WHERE on_hand <> 0 OR reserved <> 0
"""


class Moved(NamedTuple):
    """What a move found: what was on hand and available before, and its entry in the ledger where anything moved."""

    item_id: int
    on_hand: int
    available: int
    movement_id: int | None


class Counted(NamedTuple):
    """How many of an item were available before its quantity was set, and how many are now."""

    item_id: int
    before: int
    now: int


class Cause(NamedTuple):
    """Why stock moves, and who moves it: nobody where the clock or a payment does."""

    kind: MovementKind
    actor_id: int | None
    reason: str | None = None
    order_id: int | None = None


class StockLedger:
    """Writes stock levels, each change with its entry in the ledger."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def open(self, quantities: Sequence[tuple[int, int]], kind: MovementKind, actor_id: int) -> None:
        """Give new items, by their ids, their first stock."""
        if quantities:
            await self._fetch(_OPEN, *zip(*quantities, strict=True), kind.value, actor_id)

    async def set(
        self, quantities: Sequence[tuple[int, int]], kind: MovementKind, actor_id: int
    ) -> Sequence[Counted]:
        """Set on hand so that these quantities are available, as far as the items' sale policies allow it.

        What is available already stays as it is.
        """
        if not quantities:
            return []
        rows = await self._fetch(_SET, *zip(*quantities, strict=True), kind.value, actor_id)
        return [Counted(*row) for row in rows]

    async def lock(self, item_ids: Iterable[int]) -> frozenset[int]:
        """Lock the levels of these items in the order of their ids, before several moves of them; which there are."""
        return frozenset(row[0] for row in await self._fetch(_LOCK, list(item_ids)))

    async def move(self, deltas: Mapping[int, int], cause: Cause) -> Sequence[Moved]:
        """Put so many more, or fewer, of each item on hand, of all or of none; in the order of the ids.

        Nothing moves where an item is missing from the answer, has fewer available than are taken, or would
        have more than `LARGEST_QUANTITY`.
        """
        return await self._move(deltas, list(deltas.values()), [0] * len(deltas), cause)

    async def reserve(self, quantities: Mapping[int, int], cause: Cause) -> Sequence[Moved]:
        """Set so many of each item apart, of all or of none; a negative quantity gives them back."""
        return await self._move(quantities, [0] * len(quantities), list(quantities.values()), cause)

    async def ship(self, quantities: Mapping[int, int], cause: Cause) -> Sequence[Moved]:
        """Take so many of each item, which were set apart, from what is on hand, of all or of none."""
        taken = [-quantity for quantity in quantities.values()]
        return await self._move(quantities, taken, taken, cause)

    async def close(self, item_ids: Sequence[int], kind: MovementKind, actor_id: int) -> None:
        """Take what is on hand and set apart of items that are about to be deleted out of the ledger."""
        await self._fetch(_CLOSE, item_ids, kind.value, actor_id)

    async def _move(
        self, item_ids: Iterable[int], deltas: Sequence[int], reserved_deltas: Sequence[int], cause: Cause
    ) -> Sequence[Moved]:
        about = (cause.kind.value, cause.actor_id, cause.reason, cause.order_id)
        wanted = (list(item_ids), deltas, reserved_deltas, LARGEST_QUANTITY)
        return [Moved(*row) for row in await self._fetch(_MOVE, *wanted, *about)]

    async def _fetch(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await (await driver_connection(self._session)).fetch(statement, *arguments)


async def attribute_prices(session: AsyncSession, source: PriceSource, actor_id: int | None) -> None:
    """Say who changes prices in the rest of this transaction, and how, for the entries that triggers write.

    Call it before the first change of a price; whatever is pending in the session is not written yet.
    """
    settings = (("bookstore.price_source", source.value), ("bookstore.price_actor", str(actor_id or "")))
    local = [func.set_config(name, value, True) for name, value in settings]  # noqa: FBT003 (until the transaction ends)
    with session.no_autoflush:
        await session.execute(select(*local))
