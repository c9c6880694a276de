"""Reading and listing items of every kind."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, bindparam, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.goods.errors import no_item
from app.catalog.goods.ownership import may_edit, may_see
from app.catalog.goods.queries import (
    GOODS_COLUMNS,
    goods_conditions,
    item_order,
    join_items,
    sum_versions,
)
from app.catalog.goods.representations import parts_of_one, parts_of_page
from app.catalog.goods.schemas import ItemKind, ItemOut, OwnItem
from app.catalog.index.criteria import as_id
from app.catalog.items.schemas import ItemFilter
from app.catalog.models import BookCategory, Category, Item, StockLevel
from app.core.db.paging import Pager
from app.core.db.queries import Counted, find_page, fixed, snapshot_text
from app.core.http.responses import ReadResult, version_etag
from app.identity.principal import Principal

_ITEM_BY_ID = (
    select(*GOODS_COLUMNS, snapshot_text)
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
    # What happens to its parts is announced for the bundle too late for a cache.
    is_kept = item.kind is not ItemKind.BUNDLE
    if fields is not None:
        include = parts_of_one(fields)
        return ReadResult(
            item,
            row.snapshot,
            version=item.version,
            include=include,
            owner_id=item.owner_id,
            is_kept=is_kept,
        )
    named = sum_versions(row.categories) + (row.views if isinstance(item, OwnItem) else 0)
    tag = version_etag(item.version, row.stock_version, named)
    return ReadResult(item, row.snapshot, tag, owner_id=item.owner_id, is_kept=is_kept)


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
    found = await find_page(
        connection, Counted.of(matching), item_order(query.sort), window, GOODS_COLUMNS, join_items
    )
    model = OwnItem if is_unhidden else ItemOut
    items = [model.model_validate(row) for row in found.rows]
    include = parts_of_page(parts_of_one(query.fields))
    return ReadResult(pager.page(query, window, found, items), found.snapshot, include=include)


def _conditions(query: ItemFilter) -> list[ColumnElement[bool]]:
    conditions = goods_conditions(query)
    if query.owner_id is not None:
        conditions.append(Item.owner_id == query.owner_id)
    if query.is_active is not None:
        conditions.append(Item.is_active.is_(query.is_active))
    if query.kind is not None:
        # In the statement's text: the index of kinds leaves books out.
        conditions.append(Item.kind == fixed(query.kind))
    if query.category:
        conditions.append(_is_in_categories(query.category))
    return conditions


def _is_in_categories(keys: Sequence[str]) -> ColumnElement[bool]:
    """Items of any of the categories, named by slug or id, and of what stands below."""
    asked, shelf = aliased(Category), aliased(Category)
    ids = [found for key in keys if (found := as_id(key)) is not None]
    slugs = [key for key in keys if as_id(key) is None]
    is_within = or_(shelf.id == asked.id, func.starts_with(shelf.path, func.concat(asked.path, "/")))
    shelves = select(shelf.id).join(asked, is_within).where(or_(asked.id.in_(ids), asked.slug.in_(slugs)))
    return Item.id.in_(select(BookCategory.book_id).where(BookCategory.category_id.in_(shelves)))
