"""SQL that every list of goods shares: the columns of an answer, where they come from, and their order."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Case,
    ColumnElement,
    FromClause,
    Integer,
    Numeric,
    Select,
    SQLColumnExpression,
    and_,
    case,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.orm import aliased

from app.catalog.goods.schemas import GoodsCriteria, ItemKind
from app.catalog.models import Book, BookCategory, Category, Item, ItemView, OfferPart, SalePolicy, StockLevel
from app.core.db.queries import contains_folded
from app.core.db.sorting import Order

_LARGEST_PRICE = Decimal("9999999999.99")
AVAILABLE = func.coalesce(StockLevel.available, 0)
_part, _part_level = aliased(Item, name="part"), aliased(StockLevel, name="part_level")
_IS_BUNDLE = Item.kind == ItemKind.BUNDLE


def _of_parts(*expressions: SQLColumnExpression[Any]) -> Select[Any]:
    """Select this of the parts of a bundle, which is the item of the statement around it."""
    parts = OfferPart.__table__.join(_part, _part.id == OfferPart.item_id)
    source = parts.join(_part_level, _part_level.item_id == OfferPart.item_id)
    return select(*expressions).select_from(source).where(OfferPart.offer_id == Item.id)


def _of_bundle(expression: SQLColumnExpression[Any], otherwise: SQLColumnExpression[Any]) -> Case[Any]:
    # PostgreSQL looks at the parts only where the item is a bundle.
    return case((_IS_BUNDLE, _of_parts(expression).scalar_subquery()), else_=otherwise)


_COMPLETE = case((_part.is_active, _part_level.available // OfferPart.quantity), else_=0)
_BUNDLES = func.coalesce(func.min(_COMPLETE), 0)
BUYABLE = _of_bundle(_BUNDLES, AVAILABLE)
"""How many of an item of any kind can be bought now: of a bundle as many as each of its parts suffices for."""
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
    Item.weight_grams,
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
_POLICIES = (SalePolicy.NONE, SalePolicy.PREORDER, SalePolicy.BACKORDER)
_STRICTEST = case(
    *((func.bool_or(_part_level.sale_policy == one.value), literal(one.value)) for one in _POLICIES),
    else_=literal(SalePolicy.IN_STOCK.value),
)
_WEIGHT = case(
    (func.bool_and(_part.weight_grams.is_not(None)), func.sum(_part.weight_grams * OfferPart.quantity)),
)
_MAIN_PICTURES = func.jsonb_agg(
    aggregate_order_by(_part.pictures[0], OfferPart.position), type_=JSONB
).filter(func.jsonb_array_length(_part.pictures) > 0)
_PICTURES = Item.pictures.concat(func.coalesce(_MAIN_PICTURES, literal_column("'[]'::jsonb"), type_=JSONB))
PARTS = _of_parts(
    func.jsonb_agg(
        aggregate_order_by(
            func.jsonb_build_object(
                "item_id",
                _part.id,
                "title",
                _part.title,
                "kind",
                _part.kind,
                "quantity",
                OfferPart.quantity,
                "price",
                _part.price,
                "available",
                case((_part.is_active, _part_level.available), else_=0),
                "cover",
                _part.pictures[0],
            ),
            OfferPart.position,
        ),
        type_=JSONB,
    )
).scalar_subquery()
WEIGHT_GRAMS = func.coalesce(Item.weight_grams, _of_bundle(_WEIGHT, Item.weight_grams))
_BY_NAME = dict(select(*ITEM_COLUMNS).selected_columns.items())
_OF_BUNDLES: Mapping[str, SQLColumnExpression[Any]] = {
    "quantity": BUYABLE,
    "sale_policy": _of_bundle(_STRICTEST, _BY_NAME["sale_policy"]),
    "on_sale_at": _of_bundle(func.max(_part_level.on_sale_at), StockLevel.on_sale_at),
    "weight_grams": WEIGHT_GRAMS,
    "pictures": _of_bundle(_PICTURES, Item.pictures),
    "stock_version": _of_bundle(func.sum(_part.version + _part_level.version), _BY_NAME["stock_version"]),
}
GOODS_COLUMNS: Sequence[SQLColumnExpression[Any]] = tuple(
    _OF_BUNDLES[name].label(name) if name in _OF_BUNDLES else column for name, column in _BY_NAME.items()
)
"""`ITEM_COLUMNS` where bundles are among the items; books have no use for it."""
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


def goods_conditions(query: GoodsCriteria) -> list[ColumnElement[bool]]:
    """The filters that every list of goods of any kind takes."""
    conditions: list[ColumnElement[bool]] = []
    if query.search is not None:
        conditions.append(contains_folded(Item.title_folded, query.search))
    if query.tags:
        conditions.append(Item.tags.contains(query.tags))
    if query.min_price is not None:
        conditions.append(query.min_price <= PRICE_OR_LEAST)
    if query.max_price is not None:
        conditions.append(min(query.max_price, _LARGEST_PRICE) >= PRICE_OR_MOST)
    if query.in_stock is not None:
        has_own = select(literal(1)).where(StockLevel.item_id == Item.id, StockLevel.available > 0).exists()
        is_available = or_(has_own, and_(_IS_BUNDLE, _of_parts(_BUNDLES).scalar_subquery() > 0))
        conditions.append(is_available if query.in_stock else ~is_available)
    return conditions


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
