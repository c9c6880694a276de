"""Writes of items and their stock."""

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Item, PriceSource, StockLevel, StockMovement


class ItemRepository:
    """Items and stock levels of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, item: Item, quantity: int) -> None:
        """Insert the item with its first stock."""
        self._session.add(item)
        # The id is needed for the stock, and a taken SKU is refused before anything else is done.
        await self._session.flush()
        self._session.add(StockLevel(item_id=item.id, on_hand=quantity))
        if quantity:
            self._record(item.id, quantity, quantity, item.owner_id, "initial")
        await self._session.flush()

    async def lock(self, item_id: int) -> Item | None:
        """Lock the item against other writers until the transaction ends."""
        return await self._session.get(Item, item_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what changed, so that whoever reads next in this transaction sees it."""
        await self._session.flush()

    async def delete(self, item: Item) -> None:
        """Delete the item with everything that belongs to it; the ledger keeps its entries."""
        await self._session.execute(delete(Item).where(Item.id == item.id))

    async def set_available(self, item_id: int, quantity: int, actor_id: int) -> int:
        """Set on hand so that `quantity` is available, with a ledger entry of the difference; returns what was available."""
        level = (
            await self._session.execute(
                select(StockLevel.on_hand, StockLevel.reserved)
                .where(StockLevel.item_id == item_id)
                .with_for_update()
            )
        ).one()
        available: int = level.on_hand - level.reserved
        delta = quantity - available
        if delta == 0:
            return available
        await self._session.execute(
            update(StockLevel)
            .where(StockLevel.item_id == item_id)
            .values(on_hand=StockLevel.on_hand + delta, version=StockLevel.version + 1)
        )
        self._record(item_id, delta, level.on_hand + delta, actor_id, "adjustment")
        return available

    def _record(self, item_id: int, delta: int, balance: int, actor_id: int, kind: str) -> None:
        self._session.add(
            StockMovement(item_id=item_id, delta=delta, balance_after=balance, kind=kind, actor_id=actor_id)
        )


async def attribute_prices(session: AsyncSession, source: PriceSource, actor_id: int | None) -> None:
    """Say who changes prices in the rest of this transaction, and how, for the entries that triggers write.

    Call it before the first change of a price; whatever is pending in the session is not written yet.
    """
    settings = (("bookstore.price_source", source.value), ("bookstore.price_actor", str(actor_id or "")))
    local = [func.set_config(name, value, True) for name, value in settings]  # noqa: FBT003 (until the transaction ends)
    with session.no_autoflush:
        await session.execute(select(*local))
