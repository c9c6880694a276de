"""Editing what all goods share."""

from collections.abc import Callable, Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.errors import NotYourItem, no_item, no_own_quantity, refused_quantity
from app.catalog.goods.ownership import may_edit, may_see
from app.catalog.goods.pictures import StoredPicture
from app.catalog.goods.repository import ItemRepository, StockLedger, attribute_prices
from app.catalog.goods.schemas import GoodsIn, GoodsPatch, ItemKind
from app.catalog.models import Item, MovementKind, PriceSource
from app.core.audit import Changes, differences, record_edit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.errors import AppError
from app.core.http.conditional import Precondition
from app.identity.principal import Principal, profile_group

_ITEM_FIELDS = ("title", "description", "price", "sku", "weight_grams", "tags", "is_active")


class GoodsService:
    """Edits what every kind of goods has; the kinds do the rest."""

    def __init__(
        self, session: AsyncSession, items: ItemRepository, stock: StockLedger, currency: str
    ) -> None:
        self._session = session
        self._items = items
        self._stock = stock
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; prices are in `currency` (ISO 4217)."""
        return cls(session, ItemRepository(session), StockLedger(session), currency)

    async def create(
        self, seller: Principal, goods: GoodsIn, kind: ItemKind, pictures: Sequence[StoredPicture] = ()
    ) -> Item:
        """List an item as the seller's own, the main picture first. Raises SkuTaken, UnknownCategory."""
        values = {name: getattr(goods, name) for name in _ITEM_FIELDS}
        item = Item(kind=kind.value, currency=self._currency, owner_id=seller.user_id, **values)
        item.pictures = [dict(one) for one in pictures]
        await self._items.add(item)
        await self._items.set_categories(item.id, goods.category_ids)
        if kind is not ItemKind.BUNDLE:
            await self._stock.open([(item.id, goods.quantity)], MovementKind.INITIAL, seller.user_id)
        invalidate(self._session, ITEM.format(item.id), LISTS, profile_group(item.owner_id))
        return item

    async def lock(
        self,
        editor: Principal,
        item_id: int,
        precondition: Precondition,
        refuse: Callable[[int], AppError] = no_item,
    ) -> Item:
        """Lock the item for a change. Raises NotYourItem, StaleVersion; what `refuse` makes if the editor sees none."""
        item = await self._items.lock(item_id)
        if item is None or not may_see(editor, item.owner_id, is_active=item.is_active):
            raise refuse(item_id)
        if not may_edit(editor, item.owner_id):
            raise NotYourItem("Only its owner or a moderator may change this.")
        precondition.check(item.version)
        return item

    async def change(self, editor: Principal, item: Item, change: GoodsIn | GoodsPatch) -> None:
        """Set every field of whole goods, of a patch those that were sent; an empty patch changes nothing.

        Raises SkuTaken, QuantityNotSettable, PriceTooHigh, UnknownCategory.
        """
        fields = change.fields_to_set
        if not fields:
            return
        values = {name: getattr(change, name) for name in _ITEM_FIELDS if name in fields}
        changes = differences(item, values)
        if "price" in changes:
            await attribute_prices(self._session, PriceSource.EDIT, editor.user_id)
        for name, value in values.items():
            setattr(item, name, value)
        # Every edit raises the version, also one of the stock alone: two editors must not overwrite each other.
        item.updated_at = utc_now()
        if "quantity" in fields:
            if item.kind == ItemKind.BUNDLE:
                raise no_own_quantity()
            wanted = [(item.id, change.quantity)]
            [counted] = await self._stock.set(wanted, MovementKind.ADJUSTMENT, editor.user_id)
            if counted.now != change.quantity:
                raise refused_quantity(counted.now)
            if counted.before != counted.now:
                changes["quantity"] = (counted.before, counted.now)
        if "category_ids" in fields:
            placed = await self._items.list_category_ids(item.id)
            wanted_ids = sorted(set(change.category_ids))
            if wanted_ids != placed:
                await self._items.set_categories(item.id, wanted_ids)
                changes["category_ids"] = (placed, wanted_ids)
        await self._items.flush()
        record_staff_edit(self._session, editor, item, "changed", changes)
        invalidate(self._session, ITEM.format(item.id), LISTS)
        if "is_active" in changes:
            invalidate(self._session, profile_group(item.owner_id))

    async def delete(self, editor: Principal, item: Item) -> None:
        """Delete the item and what belongs to it; what was on hand leaves the ledger. Raises ItemInOffer."""
        record_staff_edit(self._session, editor, item, "deleted", {"title": (item.title, None)})
        await self._stock.close([item.id], MovementKind.ADJUSTMENT, editor.user_id)
        await self._items.delete(item)
        invalidate(self._session, ITEM.format(item.id), LISTS, profile_group(item.owner_id))


def record_staff_edit(
    session: AsyncSession, editor: Principal, item: Item, what: str, changes: Changes
) -> None:
    """Audit what staff do to goods of others; what owners do to their own is not audited."""
    if editor.user_id != item.owner_id:
        record_edit(session, f"item.{what}", ("item", item.id), changes)
