"""Writes of what bundles are made of, and of how many of each was told."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, ColumnElement, cast, delete, insert, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.queries import BUYABLE
from app.catalog.goods.schemas import ItemKind
from app.catalog.models import BundleLevel, Item, OfferPart, StockLevel
from app.core.db.driver import fetch
from app.core.events.events import OutboxEvent
from app.sales.offers.schemas import OfferPartIn


class OfferRepository:
    """Finds what may be a part, and writes the parts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_items(self, item_ids: Collection[int]) -> Sequence[Item]:
        """Those of these items that there are."""
        return (await self._session.scalars(select(Item).where(Item.id.in_(item_ids)))).all()

    async def list_parts(self, offer_id: int) -> Sequence[OfferPart]:
        """The parts of the bundle, in their order."""
        of_offer = select(OfferPart).where(OfferPart.offer_id == offer_id).order_by(OfferPart.position)
        return (await self._session.scalars(of_offer)).all()

    async def set_parts(self, offer_id: int, parts: Sequence[OfferPartIn]) -> None:
        """Make the bundle of these parts and no others."""
        await self._session.execute(delete(OfferPart).where(OfferPart.offer_id == offer_id))
        rows = [
            {"offer_id": offer_id, "position": position, **part.model_dump()}
            for position, part in enumerate(parts, start=1)
        ]
        # By the ids, as everybody locks items.
        await self._session.execute(insert(OfferPart), sorted(rows, key=lambda row: row["item_id"]))


class BundleToTell(NamedTuple):
    """How many of a bundle can be bought, and how many could when that was told."""

    item_id: int
    available: int
    told: int


class BundleLevelRepository:
    """How many of each bundle could be bought when that was last told."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *which: ColumnElement[bool]) -> None:
        """Begin with what can be bought now, of these bundles that were never told of."""
        now = _BUYABLE.with_only_columns(Item.id, BUYABLE).where(*which)
        statement = postgresql.insert(BundleLevel).from_select(["item_id", "available"], now)
        await self._session.execute(statement.on_conflict_do_nothing())

    async def lock_touched(self, first: int, last: int) -> Sequence[BundleToTell]:
        """Those on sale that these events of the feed may have changed, and did; locked until the transaction ends."""
        about = cast(OutboxEvent.payload["item_id"].astext, BigInteger)
        is_of_goods = OutboxEvent.type.in_(("stock.changed", "item.created", "item.updated", "item.deleted"))
        seen = select(about.label("item_id")).where(OutboxEvent.sequence.between(first, last), is_of_goods)
        goods = seen.cte("goods").prefix_with("MATERIALIZED")
        having = select(OfferPart.offer_id).join(goods, goods.c.item_id == OfferPart.item_id)
        touched = or_(Item.id.in_(having), Item.id.in_(select(goods.c.item_id)))
        # A bundle that the release before made, which told of none.
        await self.add(touched)
        of_these = BundleLevel.item_id.in_(_BUYABLE.with_only_columns(Item.id).where(touched))
        locked = select(BundleLevel.item_id).where(of_these).order_by(BundleLevel.item_id).with_for_update()
        ids = (await self._session.scalars(locked)).all()
        if not ids:
            return ()
        # A statement of its own after the locks: it sees what whoever had them before committed.
        present = _BUYABLE.with_only_columns(Item.id, BUYABLE, BundleLevel.available).join(
            BundleLevel, BundleLevel.item_id == Item.id
        )
        changed = present.where(Item.id.in_(ids), Item.is_active, BundleLevel.available != BUYABLE)
        return [BundleToTell(*row) for row in await self._session.execute(changed.order_by(Item.id))]

    async def keep(self, told: Sequence[BundleToTell]) -> None:
        """Keep that this was told of them."""
        ids, available = [one.item_id for one in told], [one.available for one in told]
        await fetch(self._session, _KEEP, ids, available)


_KEEP = """
    UPDATE bundle_levels SET available = told.available
    FROM unnest($1::bigint[], $2::bigint[]) AS told (item_id, available)
    WHERE bundle_levels.item_id = told.item_id
"""
_BUYABLE = (
    select(Item.id).outerjoin(StockLevel, StockLevel.item_id == Item.id).where(Item.kind == ItemKind.BUNDLE)
)
