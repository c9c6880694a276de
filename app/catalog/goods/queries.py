"""SQL that every list of goods shares: the columns of an answer, where they come from, and their order."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    SQLColumnExpression,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from app.catalog.models import Book, BookCategory, Category, Item, ItemView, SalePolicy, StockLevel
from app.core.db.sorting import Order

AVAILABLE = func.coalesce(StockLevel.available, 0)
# What has no price comes after what has one, whichever way the list is sorted. The casts are of any
# precision: what stands for no price, and what limits may be, is more than a price can be.
PRICE_OR_MOST = func.coalesce(Item.price, literal_column("10000000000"), type_=Numeric())
PRICE_OR_LEAST = func.coalesce(Item.price, literal_column("-1"), type_=Numeric())
CATEGORIES = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    "id",
                    Category.id,
                    "name",
                    Category.name,
                    "slug",
                    Category.slug,
                    "version",
                    Category.version,
                ),
                Category.path,
            ),
            type_=JSONB,
        )
    )
    .select_from(BookCategory)
    .join(Category, Category.id == BookCategory.category_id)
    .where(BookCategory.book_id == Item.id)
    .scalar_subquery()
)
_VIEWS = select(ItemView.views).where(ItemView.item_id == Item.id).scalar_subquery()
ITEM_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Item.id,
    Item.kind,
    Item.sku,
    Item.title,
    Item.description,
    Item.price,
    Item.currency,
    Item.lowest_price_30d,
    AVAILABLE.label("quantity"),
    func.coalesce(StockLevel.sale_policy, SalePolicy.IN_STOCK.value).label("sale_policy"),
    StockLevel.on_sale_at,
    Item.tags,
    CATEGORIES.label("categories"),
    Item.owner_id,
    Item.pictures,
    Item.is_active,
    func.coalesce(StockLevel.on_hand, 0).label("on_hand"),
    func.coalesce(StockLevel.reserved, 0).label("reserved"),
    func.coalesce(_VIEWS, 0).label("views"),
    Item.version,
    Item.created_at,
    Item.updated_at,
    func.coalesce(StockLevel.version, 0).label("stock_version"),
)
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "title": Item.title_folded,
    "price": PRICE_OR_MOST,
    "-price": PRICE_OR_LEAST,
    "created_at": Item.created_at,
    "updated_at": Item.updated_at,
    "popularity": Item.popularity,
    "published": func.publication_order(Book.published_on, Book.first_published, type_=Integer),
}
_LATEST_FIRST = {"added": "-created_at", "popularity": "-popularity", "newest": "-published"}
"""Keys that readers expect, and those that they stand for."""


def sum_versions(named: Iterable[Mapping[str, Any]] | None) -> int:
    """Sum the versions of what an answer names, for its tag: a rename must change the tag, but stop no editor."""
    return sum(one["version"] for one in named or ())


def join_items(source: FromClause, item_id: ColumnElement[int]) -> FromClause:
    """Join the tables of `ITEM_COLUMNS`."""
    return source.outerjoin(Item, Item.id == item_id).outerjoin(StockLevel, StockLevel.item_id == Item.id)


def item_order(
    sort: Sequence[str],
    others: Mapping[str, SQLColumnExpression[Any]] = MappingProxyType({}),
    unique: SQLColumnExpression[int] = Item.id,
) -> Order:
    """Turn sort keys into the order of items; `others` are keys of a list's own, and `newest` needs the books."""
    return Order.by([_LATEST_FIRST.get(key, key) for key in sort], {**_SORT_COLUMNS, **others}, unique)
