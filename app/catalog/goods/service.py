"""Reading, listing and editing items of every kind."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.cache_groups import LISTS, item_group
from app.catalog.goods.errors import KindFixed, NotYourItem, no_item
from app.catalog.goods.repository import ItemRepository, find_item, item_order, list_items
from app.catalog.goods.schemas import GoodsIn, GoodsPatch, ItemFilter, ItemKind, ItemOut
from app.catalog.models import Item, PriceSource
from app.catalog.prices.repository import attribute_prices
from app.core.audit import Changes, differences, record_edit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.db.paging import Pager
from app.core.http.conditional import Precondition, version_etag
from app.core.http.responses import ReadResult
from app.identity.permissions import Permission
from app.identity.principal import Principal

_ITEM_FIELDS = ("title", "description", "price", "sku", "tags")


class ItemService:
    """Edits items. Books go through it for what all goods share: `create`, `lock`, `replace`, `change`, `remove`."""

    def __init__(self, session: AsyncSession, items: ItemRepository, currency: str) -> None:
        self._session = session
        self._items = items
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """The service on one session; prices are in `currency` (ISO 4217)."""
        return cls(session, ItemRepository(session), currency)

    async def create(self, seller: Principal, goods: GoodsIn, kind: ItemKind) -> Item:
        """List an item as the seller's own. SkuTaken."""
        item = Item(kind=kind.value, currency=self._currency, owner_id=seller.user_id)
        for name in _ITEM_FIELDS:
            setattr(item, name, getattr(goods, name))
        await self._items.add(item, goods.quantity)
        invalidate(self._session, item_group(item.id), LISTS)
        return item

    async def lock(self, editor: Principal, item_id: int, precondition: Precondition) -> Item:
        """The item, held for a change. ItemNotFound, NotYourItem, StaleVersion."""
        item = await self._items.lock(item_id)
        if item is None:
            raise no_item(item_id)
        if not may_edit(editor, item.owner_id):
            raise NotYourItem("Only its owner or a moderator may change this.")
        precondition.check(item.version)
        return item

    async def replace(self, editor: Principal, item: Item, goods: GoodsIn) -> None:
        """Set every field that items have. SkuTaken, StockReserved."""
        await self._apply(editor, item, {name: getattr(goods, name) for name in GoodsIn.model_fields})

    async def delete(self, editor: Principal, item_id: int, precondition: Precondition) -> None:
        """Delete an item of any kind. ItemNotFound, NotYourItem, StaleVersion."""
        await self.remove(editor, await self.lock(editor, item_id, precondition))

    async def change(self, editor: Principal, item: Item, patch: GoodsPatch) -> None:
        """Set the fields that were sent; nothing sent changes nothing. SkuTaken, StockReserved."""
        sent = patch.sent()
        if sent:
            await self._apply(editor, item, sent)

    async def remove(self, editor: Principal, item: Item) -> None:
        """Delete the item and what belongs to it."""
        await self.record(editor, item, "deleted", {"title": (item.title, None)})
        await self._items.delete(item)
        invalidate(self._session, item_group(item.id), LISTS)

    async def record(self, editor: Principal, item: Item, what: str, changes: Changes) -> None:
        """Audit what staff do to goods that are not their own; owners answer to nobody."""
        if editor.user_id != item.owner_id:
            record_edit(self._session, f"item.{what}", ("item", item.id), changes)

    async def _apply(self, editor: Principal, item: Item, values: dict[str, object]) -> None:
        own = {name: values[name] for name in _ITEM_FIELDS if name in values}
        changes = differences(item, own)
        if "price" in values and values["price"] != item.price:
            await attribute_prices(self._session, PriceSource.EDIT, editor.user_id)
        for name, value in own.items():
            setattr(item, name, value)
        # Every edit raises the version, also one of the stock alone: two editors must not overwrite each other.
        item.updated_at = utc_now()
        if isinstance(quantity := values.get("quantity"), int):
            available = await self._items.set_available(item.id, quantity, editor.user_id)
            if available != quantity:
                changes["quantity"] = (available, quantity)
        await self._items.flush()
        await self.record(editor, item, "changed", changes)
        invalidate(self._session, item_group(item.id), LISTS)


def may_edit(editor: Principal, owner_id: int) -> bool:
    """Everybody edits their own goods, moderators any."""
    return owner_id == editor.user_id or editor.may(Permission.ITEMS_MODERATE)


def set_kind(item: Item, kind: ItemKind | None) -> None:
    """Set the kind that was stated, if any. KindFixed: a book stays a book, and nothing else becomes one."""
    if kind is None:
        return
    if (kind is ItemKind.BOOK) != (item.kind == ItemKind.BOOK):
        raise KindFixed("A book stays a book, and no other item becomes one; create a new one.")
    item.kind = kind.value


class ItemCatalogue:
    """Reads items for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, item_id: int) -> ReadResult:
        """One item. ItemNotFound."""
        row = await find_item(self._connection, item_id)
        if row is None:
            raise no_item(item_id)
        item = ItemOut.model_validate(row)
        return ReadResult(item, row.snapshot, version_etag(item.version, row.stock_version))

    async def list(self, query: ItemFilter, pager: Pager) -> ReadResult:
        """One page of items. InvalidCursor."""
        window, order = pager.window(query), item_order(query)
        found = await list_items(self._connection, query, order, window)
        items = [ItemOut.model_validate(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, items), found.snapshot)
