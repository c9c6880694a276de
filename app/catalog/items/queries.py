"""Reading and listing items of every kind."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, bindparam, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.goods.errors import no_item
from app.catalog.goods.ownership import may_edit, may_see
from app.catalog.goods.queries import (
    ITEM_COLUMNS,
    PRICE_OR_LEAST,
    PRICE_OR_MOST,
    item_order,
    join_items,
    sum_versions,
)
from app.catalog.goods.representations import parts_of_one, parts_of_page
from app.catalog.goods.schemas import ItemOut, OwnItem
from app.catalog.index.criteria import as_id
from app.catalog.items.schemas import ItemFilter
from app.catalog.models import BookCategory, Category, Item, StockLevel
from app.core.db.paging import Pager
from app.core.db.queries import contains_folded, find_page, snapshot_text
from app.core.http.responses import ReadResult, version_etag
from app.identity.principal import Principal

_LARGEST_PRICE = Decimal("9999999999.99")
_ITEM_BY_ID = (
    select(*ITEM_COLUMNS, snapshot_text)
    .outerjoin(StockLevel, StockLevel.item_id == Item.id)
    .where(Item.id == bindparam("item_id"))
)


async def get_item(
    connection: AsyncConnection,
    item_id: int,
    fields: Sequence[str] | None = None,
    *,
    viewer: Principal | None = None,
) -> ReadResult:
    """Read one item as the viewer sees it, or these fields. Raises ItemNotFound, also of one off sale that is not theirs."""
    row = (await connection.execute(_ITEM_BY_ID, {"item_id": item_id})).one_or_none()
    if row is None or not may_see(viewer, row.owner_id, is_active=row.is_active):
        raise no_item(item_id)
    model = OwnItem if viewer is not None and may_edit(viewer, row.owner_id) else ItemOut
    item = model.model_validate(row)
    if fields is not None:
        include = parts_of_one(fields)
        return ReadResult(item, row.snapshot, version=item.version, include=include, owner_id=item.owner_id)
    named = sum_versions(row.categories) + (row.views if isinstance(item, OwnItem) else 0)
    tag = version_etag(item.version, row.stock_version, named)
    return ReadResult(item, row.snapshot, tag, owner_id=item.owner_id)


async def list_items(
    connection: AsyncConnection, query: ItemFilter, pager: Pager, *, is_unhidden: bool = False
) -> ReadResult:
    """Read one page of what is on sale; unhidden also of what is off, as owners and moderators see it.

    Raises InvalidCursor.
    """
    conditions = _conditions(query)
    if not is_unhidden:
        conditions.append(Item.is_active.is_(True))
    window = pager.window(query)
    matching = select(Item.id).where(*conditions)
    found = await find_page(connection, matching, item_order(query.sort), window, ITEM_COLUMNS, join_items)
    model = OwnItem if is_unhidden else ItemOut
    items = [model.model_validate(row) for row in found.rows]
    include = parts_of_page(parts_of_one(query.fields))
    return ReadResult(pager.page(query, window, found, items), found.snapshot, include=include)


def _conditions(query: ItemFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.owner_id is not None:
        conditions.append(Item.owner_id == query.owner_id)
    if query.is_active is not None:
        conditions.append(Item.is_active.is_(query.is_active))
    if query.kind is not None:
        conditions.append(Item.kind == query.kind)
    if query.search is not None:
        conditions.append(contains_folded(Item.title_folded, query.search))
    if query.category:
        conditions.append(_is_in_categories(query.category))
    if query.tags:
        conditions.append(Item.tags.contains(query.tags))
    if query.min_price is not None:
        conditions.append(query.min_price <= PRICE_OR_LEAST)
    if query.max_price is not None:
        conditions.append(min(query.max_price, _LARGEST_PRICE) >= PRICE_OR_MOST)
    if query.in_stock is not None:
        is_available = (
            select(literal(1)).where(and_(StockLevel.item_id == Item.id, StockLevel.available > 0)).exists()
        )
        conditions.append(is_available if query.in_stock else ~is_available)
    return conditions


def _is_in_categories(keys: Sequence[str]) -> ColumnElement[bool]:
    """Items of any of the categories, named by slug or id, and of what stands below."""
    asked, shelf = aliased(Category), aliased(Category)
    ids = [found for key in keys if (found := as_id(key)) is not None]
    slugs = [key for key in keys if as_id(key) is None]
    is_within = or_(shelf.id == asked.id, func.starts_with(shelf.path, func.concat(asked.path, "/")))
    shelves = select(shelf.id).join(asked, is_within).where(or_(asked.id.in_(ids), asked.slug.in_(slugs)))
    return Item.id.in_(select(BookCategory.book_id).where(BookCategory.category_id.in_(shelves)))
