"""Reads of discounts: the rules in force, and those that staff look at."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    SQLColumnExpression,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.canonical import list_canonical
from app.catalog.models import Author, Category
from app.core.clock import utc_now
from app.core.db.driver import DriverStatement
from app.core.db.paging import Pager
from app.core.db.queries import contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.discounts.errors import no_discount
from app.sales.discounts.schemas import DiscountFilter, DiscountOut, normal_code
from app.sales.models import Discount, DiscountRedemption, DiscountUse
from app.sales.pricing import DiscountRule, DiscountType


class FoundRules(NamedTuple):
    """The rules that may apply, and why the coupon does not count, where it does not."""

    rules: Sequence[DiscountRule]
    refusals: Sequence[str]


class _Row(NamedTuple):
    id: int
    name: str
    code: str | None
    discount_type: str
    value: Decimal
    min_order: Decimal
    max_discount: Decimal | None
    is_exclusive: bool
    priority: int
    item_ids: list[int]
    category_ids: list[int]
    author_ids: list[int]
    is_used_up: bool


_RULE: Sequence[SQLColumnExpression[Any]] = (
    Discount.id,
    Discount.name,
    Discount.code,
    Discount.discount_type,
    Discount.value,
    Discount.min_order,
    Discount.max_discount,
    Discount.is_exclusive,
    Discount.priority,
    Discount.item_ids,
    Discount.category_ids,
    Discount.author_ids,
)
_USED = (
    select(func.count())
    .where(DiscountRedemption.discount_id == Discount.id, DiscountRedemption.released_at.is_(None))
    .scalar_subquery()
)
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    *_RULE,
    Discount.currency,
    Discount.starts_at,
    Discount.ends_at,
    Discount.usage_limit,
    Discount.per_customer_limit,
    _USED.label("used"),
    Discount.is_active,
    Discount.version,
    Discount.created_at,
    Discount.updated_at,
)
_DISCOUNT = select(*_COLUMNS, snapshot_text).where(Discount.id == bindparam("discount"))
_NAME_FOLDED: ColumnElement[str] = func.fold(Discount.name, type_=Text)
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "name": _NAME_FOLDED,
    "priority": Discount.priority,
    "starts_at": Discount.starts_at,
    "created_at": Discount.created_at,
}


def _is_in_force(now: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    is_over = func.coalesce(Discount.ends_at <= now, False)
    return and_(Discount.is_active, Discount.starts_at <= now, ~is_over)


_RULES = DriverStatement(
    select(*_RULE, func.coalesce(DiscountUse.used >= Discount.per_customer_limit, False))
    .outerjoin(
        DiscountUse,
        and_(
            DiscountUse.discount_id == Discount.id,
            DiscountUse.user_id == bindparam("user", type_=BigInteger()),
        ),
    )
    .where(
        _is_in_force(bindparam("now", type_=DateTime(timezone=True))),
        or_(Discount.code.is_(None), Discount.code == bindparam("code", type_=Text())),
        or_(Discount.usage_limit.is_(None), Discount.used < Discount.usage_limit),
    )
    .order_by(Discount.id)
)


async def get_discount(connection: AsyncConnection, discount_id: int) -> ReadResult:
    """One discount. Raises DiscountNotFound."""
    row = (await connection.execute(_DISCOUNT, {"discount": discount_id})).one_or_none()
    if row is None:
        raise no_discount(discount_id)
    discount = DiscountOut.model_validate(row)
    return ReadResult(discount, row.snapshot, version_etag(discount.version, discount.used))


async def list_discounts(connection: AsyncConnection, query: DiscountFilter, pager: Pager) -> ReadResult:
    """One page of discounts. Raises InvalidCursor."""
    window = pager.window(query)
    order = Order.by(query.sort, _SORT_COLUMNS, Discount.id)
    found = await find_page(
        connection, select(Discount.id).where(*_conditions(query)), order, window, _COLUMNS
    )
    discounts = [DiscountOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, discounts), found.snapshot)


async def find_rules(connection: AsyncConnection, coupon: str | None, user_id: int | None) -> FoundRules:
    """Find the automatic rules in force and the coupon's, without those of which nothing is left.

    Of a code it is not told whether there is none, or it is over, or others used it up: who guesses learns nothing.
    """
    code = None if coupon is None else normal_code(coupon)
    asked = await _RULES.records(connection, code=code, user=user_id, now=utc_now())
    found = [_Row._make(row) for row in asked]
    rules = await _as_rules(connection, [row for row in found if not row.is_used_up])
    if code is None or any(rule.code for rule in rules):
        return FoundRules(rules, ())
    is_had = any(row.code for row in found)
    reason = "you have had it as often as you may" if is_had else "there is no such code, or it is over"
    return FoundRules(rules, [f"The code {coupon} does not count: {reason}."])


async def _as_rules(connection: AsyncConnection, rows: Sequence[_Row]) -> list[DiscountRule]:
    authors = {one for row in rows for one in row.author_ids}
    merged = dict(await list_canonical(connection, Author, authors)) if authors else {}
    below = await _list_below(connection, {one for row in rows for one in row.category_ids})
    return [
        DiscountRule(
            id=row.id,
            name=row.name,
            code=row.code,
            discount_type=DiscountType(row.discount_type),
            value=row.value,
            min_order=row.min_order,
            max_discount=row.max_discount,
            is_exclusive=row.is_exclusive,
            priority=row.priority,
            item_ids=frozenset(row.item_ids),
            # What was named stays in it, so that it does not become empty, which is everything.
            category_ids=frozenset(row.category_ids).union(*(below.get(one, ()) for one in row.category_ids)),
            author_ids=frozenset(row.author_ids).union(merged.get(one, one) for one in row.author_ids),
        )
        for row in rows
    ]


async def _list_below(connection: AsyncConnection, ids: Iterable[int]) -> Mapping[int, Sequence[int]]:
    """The categories that stand below each of these."""
    wanted = list(ids)
    if not wanted:
        return {}
    above = aliased(Category)
    is_below = func.starts_with(Category.path, func.concat(above.path, "/"))
    statement = (
        select(above.id, func.array_agg(Category.id))
        .join(Category, is_below)
        .where(above.id == any_(cast(wanted, ARRAY(BigInteger))))
        .group_by(above.id)
    )
    return dict((await connection.execute(statement)).all())


def _conditions(query: DiscountFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.search is not None:
        conditions.append(contains_folded(_NAME_FOLDED, query.search))
    if query.code is not None:
        conditions.append(Discount.code == normal_code(query.code))
    if query.discount_type is not None:
        conditions.append(Discount.discount_type == query.discount_type)
    if query.has_code is not None:
        conditions.append(Discount.code.is_not(None) if query.has_code else Discount.code.is_(None))
    if query.is_active is not None:
        conditions.append(Discount.is_active == query.is_active)
    if query.is_in_force is not None:
        is_in_force = _is_in_force(utc_now())
        conditions.append(is_in_force if query.is_in_force else ~is_in_force)
    return conditions
