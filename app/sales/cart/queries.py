"""Reads carts and prices them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Select, Text, any_, bindparam, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.goods.queries import BUYABLE, WEIGHT_GRAMS
from app.catalog.models import (
    Book,
    BookCategory,
    BookFormat,
    Contributor,
    ContributorRole,
    Item,
    OfferPart,
    StockLevel,
)
from app.core.db.driver import Connection, DriverStatement
from app.core.db.queries import AnyRow, snapshot_text
from app.core.http.responses import ReadResult, answer_number, version_etag
from app.sales.cart.errors import no_cart
from app.sales.cart.goods import Goods
from app.sales.cart.schemas import CartLineOut, CartOut, CartWarning
from app.sales.discounts.queries import FoundRules, find_rules
from app.sales.models import Cart, CartLine
from app.sales.pricing import price

_CATEGORY_IDS = func.array(
    select(BookCategory.category_id).where(BookCategory.book_id == Item.id).scalar_subquery(),
    type_=ARRAY(BigInteger),
)
_AUTHOR_IDS = func.array(
    select(Contributor.author_id)
    .where(Contributor.book_id == Item.id, Contributor.role == ContributorRole.AUTHOR)
    .scalar_subquery(),
    type_=ARRAY(BigInteger),
)
_part = aliased(Book)
# A price that is fixed for one of its books is fixed for a bundle.
_IS_PRICE_FIXED = func.coalesce(
    Book.is_price_fixed,
    select(func.bool_or(_part.is_price_fixed))
    .join(OfferPart, OfferPart.item_id == _part.item_id)
    .where(OfferPart.offer_id == Item.id)
    .scalar_subquery(),
    False,
)
# What its parts are, for a bundle.
_PART_FORMATS = func.array(
    select(func.coalesce(_part.format, case((_part.item_id.is_not(None), BookFormat.OTHER.value))))
    .select_from(OfferPart)
    .outerjoin(_part, _part.item_id == OfferPart.item_id)
    .where(OfferPart.offer_id == Item.id)
    .scalar_subquery(),
    type_=ARRAY(Text),
)
_GOODS = (
    Item.id,
    Item.kind,
    Item.title,
    Book.isbn13,
    Item.sku,
    Item.price,
    Item.currency,
    Item.is_active,
    StockLevel.sale_policy,
    BUYABLE,
    Book.format,
    _IS_PRICE_FIXED,
    _CATEGORY_IDS,
    _AUTHOR_IDS,
    WEIGHT_GRAMS,
    _PART_FORMATS,
)
_OF_GOODS = Item.__table__.outerjoin(Book, Book.item_id == Item.id).outerjoin(
    StockLevel, StockLevel.item_id == Item.id
)

_GOODS_BY_IDS = DriverStatement(
    select(*_GOODS)
    .select_from(_OF_GOODS)
    .where(Item.id == any_(bindparam("item_ids", type_=ARRAY(BigInteger))))
    .order_by(Item.id)
)
_LINES_OF_CART = DriverStatement(
    select(CartLine.quantity, CartLine.seen_price, *_GOODS)
    .select_from(_OF_GOODS.join(CartLine, CartLine.item_id == Item.id))
    .where(CartLine.cart_id == bindparam("cart"))
    .order_by(CartLine.added_at, CartLine.item_id)
)


class CartOwner(NamedTuple):
    """Whose cart: an account's, or that of whoever knows the token with this hash. `may_open`: has one for the asking."""

    user_id: int | None
    token_hash: bytes | None
    token: str | None
    may_open: bool


class CartState(NamedTuple):
    """A cart's row as it is read."""

    id: int
    coupon: str | None
    version: int
    warnings: Sequence[Mapping[str, object]]
    snapshot: str


class FilledLine(NamedTuple):
    """A line, and its item as it is now."""

    quantity: int
    seen_price: Decimal
    goods: Goods


class OwnersStatement:
    """A query of the carts of an owner; a guest's ends with its time, swept away or not."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        is_guests = (Cart.token_hash == bindparam("token_hash")) & (Cart.expires_at > func.now())
        self._of_account = DriverStatement(query.where(Cart.user_id == bindparam("user_id")))
        self._of_guest = DriverStatement(query.where(is_guests))

    async def one_or_none(self, connection: Connection, owner: CartOwner) -> AnyRow | None:
        """Find the owner's cart."""
        if owner.user_id is not None:
            return await self._of_account.one_or_none(connection, user_id=owner.user_id)
        return await self._of_guest.one_or_none(connection, token_hash=owner.token_hash)


_CART = OwnersStatement(select(Cart.id, Cart.coupon, Cart.version, Cart.warnings, snapshot_text))


async def find_goods(connection: AsyncConnection, item_ids: Iterable[int]) -> Sequence[Goods]:
    """Read these items as they are now, in the order of their ids; one that is gone is missing."""
    rows = await _GOODS_BY_IDS.records(connection, item_ids=list(item_ids))
    return [Goods._make(row) for row in rows]


async def find_lines(connection: AsyncConnection, cart_id: int) -> Sequence[FilledLine]:
    """Read a cart's lines in the order in which they were put in."""
    rows = await _LINES_OF_CART.records(connection, cart=cart_id)
    return [FilledLine(row[0], row[1], Goods._make(row[2:])) for row in rows]


async def find_cart(connection: AsyncConnection, owner: CartOwner) -> CartState | None:
    """Find the owner's cart."""
    row = await _CART.one_or_none(connection, owner)
    return None if row is None else CartState(*row)


async def read_cart(connection: AsyncConnection, owner: CartOwner, currency: str) -> ReadResult:
    """Read the owner's cart at today's prices; one that was never filled is empty. Raises CartNotFound for a token."""
    cart = await find_cart(connection, owner)
    if cart is None and not owner.may_open:
        raise no_cart()
    lines = await find_lines(connection, cart.id) if cart else []
    coupon = cart.coupon if cart else None
    found = await find_rules(connection, coupon, owner.user_id) if lines or coupon else FoundRules((), ())
    sold = [line for line in lines if line.goods.is_for_sale(currency)]
    totals = price([line.goods.line(line.quantity) for line in sold], rules=found.rules, currency=currency)
    warnings = [CartWarning.model_validate(one) for one in cart.warnings] if cart else []
    warnings.extend(CartWarning(code="coupon-not-valid", item_id=None, message=one) for one in found.refusals)
    shown = CartOut(
        lines=[_show(line, currency) for line in lines],
        coupon=coupon,
        subtotal=totals.subtotal,
        discount=totals.discount,
        total=totals.total,
        currency=currency,
        explain=list(totals.explain),
        warnings=[*warnings, *(one for line in lines for one in _warnings(line, currency))],
        token=owner.token if cart else None,
        version=cart.version if cart else 0,
    )
    snapshot = cart.snapshot if cart else str(await connection.scalar(select(snapshot_text)))
    return ReadResult(shown, snapshot, version_etag(shown.version, answer_number(shown)))


def _show(line: FilledLine, currency: str) -> CartLineOut:
    goods = line.goods
    is_sold = goods.is_for_sale(currency)
    unit_price = goods.price if is_sold and goods.price is not None else Decimal(0)
    return CartLineOut(
        item_id=goods.item_id,
        title=goods.title,
        quantity=line.quantity,
        unit_price=unit_price,
        line_total=unit_price * line.quantity,
        available=goods.available if is_sold else 0,
        price_changed_from=line.seen_price if is_sold and line.seen_price != unit_price else None,
    )


def _warnings(line: FilledLine, currency: str) -> Iterable[CartWarning]:
    goods = line.goods
    if not goods.is_for_sale(currency):
        message = f"“{goods.title}” is not for sale any more."
        yield CartWarning(code="not-for-sale", item_id=goods.item_id, message=message)
        return
    if line.seen_price != goods.price:
        message = f"“{goods.title}” cost {line.seen_price} and now costs {goods.price}."
        yield CartWarning(code="price-changed", item_id=goods.item_id, message=message)
    if line.quantity > goods.available:
        message = f"Only {goods.available} of “{goods.title}” can be had now."
        yield CartWarning(code="insufficient-stock", item_id=goods.item_id, message=message)
