"""Writes of discounts, and the guarded counts of what customers have had of them."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, any_, case, cast, exists, func, select, true, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Author, Category, Item
from app.sales.discounts.errors import DiscountExhausted
from app.sales.models import Discount, DiscountRedemption, DiscountUse
from app.sales.pricing import AppliedDiscount

Scope = type[Item] | type[Category] | type[Author]


class _Limits(NamedTuple):
    id: int
    is_active: bool
    in_all: int | None
    per_customer: int | None


class DiscountRepository:
    """Discounts of one transaction.

    Whoever redeems holds a key share of each discount's row, in the order of the ids, for which others who redeem
    do not wait: only a discount with a limit in all makes them queue. Whoever edits locks the row for update, and
    so meets no redemption under way: what was redeemed until then can be counted.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def redeem(self, order_id: int, user_id: int | None, applied: Sequence[AppliedDiscount]) -> None:
        """Count what the order has of each discount; once for the order, however often it is asked.

        Who buys at the counter without an account (None) is new each time: only limits in all count for them.

        Raises DiscountExhausted where a limit is reached, or staff ended the discount.
        """
        for one in sorted(applied, key=lambda one: one.rule_id):
            limits = await self._share(one.rule_id)
            if limits is None or not limits.is_active:
                raise _exhausted(one)
            if not await self._record(order_id, user_id, one):
                continue
            is_left = await self._count(limits)
            if user_id is not None:
                is_left = is_left and await self._count_for(user_id, limits)
            if not is_left:
                raise _exhausted(one)

    async def release(self, order_id: int) -> None:
        """Give back what the order has, once."""
        is_had = (DiscountRedemption.order_id == order_id, DiscountRedemption.released_at.is_(None))
        given_back = (
            update(DiscountRedemption)
            .where(*is_had)
            .values(released_at=func.now())
            .returning(DiscountRedemption.discount_id, DiscountRedemption.user_id)
            .execution_options(synchronize_session=False)
        )
        for discount_id, user_id in sorted((await self._session.execute(given_back)).all()):
            # The row is written where nothing is counted, too: whoever sets a limit meanwhile counts the uses,
            # and must not count this one, or must have it counted here.
            less = case((Discount.usage_limit.is_not(None), 1), else_=0)
            await self._session.execute(
                update(Discount)
                .where(Discount.id == discount_id)
                .values(used=Discount.used - less, updated_at=Discount.updated_at)
                .execution_options(synchronize_session=False)
            )
            await self._session.execute(
                update(DiscountUse)
                .where(DiscountUse.discount_id == discount_id, DiscountUse.user_id == user_id)
                .values(used=DiscountUse.used - 1)
                .execution_options(synchronize_session=False)
            )

    async def add(self, discount: Discount) -> None:
        """Insert the discount; a taken code is refused at once."""
        self._session.add(discount)
        await self._session.flush()

    async def lock(self, discount_id: int) -> Discount | None:
        """Lock the discount against other editors and against redemptions until the transaction ends."""
        return await self._session.get(Discount, discount_id, with_for_update=True, populate_existing=True)

    async def flush(self, discount: Discount) -> None:
        """Write what changed of a locked discount; where there is a limit now, it counts what was had before."""
        if discount.usage_limit is not None:
            # Not the customers' counts: at the counter people buy who have none.
            had = select(func.count()).where(
                DiscountRedemption.discount_id == discount.id, DiscountRedemption.released_at.is_(None)
            )
            discount.used = await self._session.scalar(had) or 0
        await self._session.flush()

    async def was_redeemed(self, discount_id: int) -> bool:
        """Tell whether an order ever had the discount, given back or not."""
        redemption = exists().where(DiscountRedemption.discount_id == discount_id)
        return bool(await self._session.scalar(select(redemption)))

    async def delete(self, discount: Discount) -> None:
        """Delete the discount."""
        await self._session.delete(discount)
        await self._session.flush()

    async def find_unknown(self, scope: Scope, ids: Collection[int]) -> int | None:
        """The first of these ids that no item, category or author has."""
        there = set(
            await self._session.scalars(
                select(scope.id).where(scope.id == any_(cast(list(ids), ARRAY(BigInteger))))
            )
        )
        return next((one for one in ids if one not in there), None)

    async def _share(self, discount_id: int) -> _Limits | None:
        columns = (Discount.id, Discount.is_active, Discount.usage_limit, Discount.per_customer_limit)
        shared = select(*columns).where(Discount.id == discount_id).with_for_update(read=True, key_share=True)
        row = (await self._session.execute(shared)).one_or_none()
        return None if row is None else _Limits(*row)

    async def _record(self, order_id: int, user_id: int | None, one: AppliedDiscount) -> bool:
        """Note that the order has it; False where it has it already."""
        noted = insert(DiscountRedemption).values(
            discount_id=one.rule_id, order_id=order_id, user_id=user_id, amount=one.amount
        )
        # What was given back can be had again, as when a late payment revives the order.
        had = noted.on_conflict_do_update(
            index_elements=[DiscountRedemption.order_id, DiscountRedemption.discount_id],
            set_={"released_at": None, "amount": noted.excluded.amount},
            where=DiscountRedemption.released_at.is_not(None),
        ).returning(DiscountRedemption.order_id)
        return await self._session.scalar(had) is not None

    async def _count(self, limits: _Limits) -> bool:
        """Count one more in all, unless that exceeds the limit."""
        if limits.in_all is None:
            return True
        counted = (
            update(Discount)
            .where(Discount.id == limits.id, Discount.used < limits.in_all)
            .values(used=Discount.used + 1, updated_at=Discount.updated_at)
            .returning(Discount.id)
            .execution_options(synchronize_session=False)
        )
        return await self._session.scalar(counted) is not None

    async def _count_for(self, user_id: int, limits: _Limits) -> bool:
        """Count one more of this customer, unless that exceeds the limit."""
        first = insert(DiscountUse).values(discount_id=limits.id, user_id=user_id, used=1)
        is_within = true() if limits.per_customer is None else DiscountUse.used < limits.per_customer
        counted = first.on_conflict_do_update(
            index_elements=[DiscountUse.discount_id, DiscountUse.user_id],
            set_={"used": DiscountUse.used + 1},
            where=is_within,
        ).returning(DiscountUse.used)
        return await self._session.scalar(counted) is not None


def _exhausted(one: AppliedDiscount) -> DiscountExhausted:
    return DiscountExhausted(f"{one.name} is used up; ask for the totals again.")
