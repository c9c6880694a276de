"""Reads bundles."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.goods.ownership import may_see
from app.catalog.goods.queries import GOODS_COLUMNS, PARTS, goods_conditions, item_order, join_items
from app.catalog.goods.schemas import ItemKind
from app.catalog.models import Item, OfferPart, StockLevel
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.http.responses import ReadResult, version_etag
from app.identity.principal import Principal
from app.sales.offers.errors import no_offer
from app.sales.offers.schemas import OfferFilter, OfferOut

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    *GOODS_COLUMNS,
    Item.title.label("name"),
    PARTS.label("items"),
)
_OFFER = (
    select(*_COLUMNS, snapshot_text)
    .outerjoin(StockLevel, StockLevel.item_id == Item.id)
    .where(Item.id == bindparam("offer"), Item.kind == ItemKind.BUNDLE)
)


async def get_offer(
    connection: AsyncConnection, offer_id: int, *, viewer: Principal | None = None
) -> ReadResult:
    """Read one bundle as the viewer sees it. Raises OfferNotFound, also of one off sale that is not theirs."""
    row = (await connection.execute(_OFFER, {"offer": offer_id})).one_or_none()
    if row is None or not may_see(viewer, row.owner_id, is_active=row.is_active):
        raise no_offer(offer_id)
    tag = version_etag(row.version, row.stock_version)
    return ReadResult(OfferOut.model_validate(row), row.snapshot, tag, owner_id=row.owner_id)


async def list_offers(connection: AsyncConnection, query: OfferFilter, pager: Pager) -> ReadResult:
    """Read one page of the bundles that are on sale. Raises InvalidCursor."""
    conditions = [*goods_conditions(query), Item.kind == ItemKind.BUNDLE, Item.is_active.is_(True)]
    if query.owner_id is not None:
        conditions.append(Item.owner_id == query.owner_id)
    if query.item_id is not None:
        having = select(OfferPart.offer_id).where(OfferPart.item_id == query.item_id)
        conditions.append(Item.id.in_(having))
    window = pager.window(query)
    matching = select(Item.id).where(*conditions)
    found = await find_page(connection, matching, item_order(query.sort), window, _COLUMNS, join_items)
    offers = [OfferOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, offers), found.snapshot)
