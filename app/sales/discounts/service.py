"""Editing discounts."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Author, Category, Item
from app.core.audit import differences, record_audit, record_edit
from app.core.clock import utc_now
from app.core.http.conditional import Precondition
from app.sales.discounts.errors import UnknownDiscountScope, no_discount
from app.sales.discounts.repository import DiscountRepository, Scope
from app.sales.discounts.schemas import DiscountIn, DiscountPatch
from app.sales.errors import require_amount
from app.sales.models import Discount
from app.sales.pricing import DiscountType

_SCOPES: tuple[tuple[str, Scope], ...] = (
    ("item_ids", Item),
    ("category_ids", Category),
    ("author_ids", Author),
)


class DiscountService:
    """Edits discounts; each change stands in the audit log."""

    def __init__(self, session: AsyncSession, discounts: DiscountRepository, currency: str) -> None:
        self._session = session
        self._discounts = discounts
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; amounts are in `currency` (ISO 4217)."""
        return cls(session, DiscountRepository(session), currency)

    async def create(self, request: DiscountIn) -> int:
        """Add a discount; returns its id. Raises AmountNotInCurrency, DiscountCodeTaken, UnknownDiscountScope."""
        discount = Discount(currency=self._currency)
        changes = await self._set(discount, request)
        await self._discounts.add(discount)
        record_audit(self._session, "discount.created", ("discount", discount.id), changes)
        return discount.id

    async def change(
        self, discount_id: int, precondition: Precondition, request: DiscountIn | DiscountPatch
    ) -> None:
        """Set all of a whole discount, of a patch what was sent.

        Raises DiscountNotFound, StaleVersion, AmountNotInCurrency, DiscountCodeTaken, UnknownDiscountScope, InvalidDiscount.
        """
        discount = await self._lock(discount_id, precondition)
        changes = await self._set(discount, request)
        await self._discounts.flush(discount)
        record_edit(self._session, "discount.changed", ("discount", discount_id), changes)

    async def delete(self, discount_id: int, precondition: Precondition) -> None:
        """Delete a discount that no order ever had; end any other. Raises DiscountNotFound, StaleVersion."""
        discount = await self._lock(discount_id, precondition)
        target = ("discount", discount_id)
        # The lock keeps redemptions out, so that the answer still holds when the row goes.
        if await self._discounts.was_redeemed(discount_id):
            changes = differences(discount, {"is_active": False})
            record_edit(self._session, "discount.ended", target, changes)
            discount.is_active = False
            await self._discounts.flush(discount)
            return
        gone = {"name": (discount.name, None), "code": (discount.code, None)}
        record_audit(self._session, "discount.deleted", target, gone)
        await self._discounts.delete(discount)

    async def _lock(self, discount_id: int, precondition: Precondition) -> Discount:
        discount = await self._discounts.lock(discount_id)
        if discount is None:
            raise no_discount(discount_id)
        precondition.check(discount.version)
        return discount

    async def _set(
        self, discount: Discount, request: DiscountIn | DiscountPatch
    ) -> dict[str, tuple[object, object]]:
        """Give the row what the request sets of it; field → (old, new)."""
        for name, scope in _SCOPES:
            ids: list[int] = getattr(request, name) or []
            unknown = await self._discounts.find_unknown(scope, ids) if ids else None
            if unknown is not None:
                message = f"There is no {scope.__name__.lower()} {unknown}."
                raise UnknownDiscountScope(message, errors=UnknownDiscountScope.about(name, message))
        values = {name: getattr(request, name) for name in request.fields_to_set}
        if isinstance(request, DiscountIn):
            values |= {"name": request.stated_name, "starts_at": request.starts_at or utc_now()}
        changes = differences(discount, values)
        for name, (_, value) in changes.items():
            setattr(discount, name, value)
        if discount.discount_type == DiscountType.FIXED:
            require_amount("value", discount.value, discount.currency)
        return changes
