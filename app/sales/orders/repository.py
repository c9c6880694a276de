"""Writes orders, their lines and what stock they take."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Integer, Select, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.http.schemas import ResponseModel
from app.core.metrics import ORDERS, count_at_commit
from app.sales.models import Order, OrderEvent, OrderLine, OrderPart, Shipment
from app.sales.order_states import OrderStatus


class Part(NamedTuple):
    """What of an item a line takes: how many pieces of the line there are, how many of the item, and where these are."""

    line_id: int
    item_id: int
    line_quantity: int
    quantity: int
    reserved: int
    shipped: int


class OrderRepository:
    """Locks orders and writes what belongs to them. Locked: the order first, then stock, then discounts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, order: Order, lines: Sequence[OrderLine]) -> None:
        """Insert the order with its lines, so that their ids are known."""
        self._session.add(order)
        await self._session.flush()
        for position, line in enumerate(lines, 1):
            line.order_id, line.position = order.id, position
        self._session.add_all(lines)
        await self._session.flush()
        self.count_status(order)

    def count_status(self, order: Order) -> None:
        """Count that an order came to this status."""
        count_at_commit(self._session, ORDERS.labels(order.status, order.channel))

    async def add_parts(self, order: Order, parts: Sequence[OrderPart]) -> None:
        """Say what stock the lines take."""
        for part in parts:
            part.order_id = order.id
        self._session.add_all(parts)
        await self._session.flush()

    async def lock(self, order_id: int) -> Order | None:
        """Lock the order until the transaction ends."""
        return await self._lock(select(Order).where(Order.id == order_id))

    async def lock_number(self, number: str, user_id: int | None = None) -> Order | None:
        """Lock the order with this number; with `user_id` only if it is theirs."""
        wanted = select(Order).where(Order.number == number)
        return await self._lock(wanted if user_id is None else wanted.where(Order.user_id == user_id))

    async def list_overdue(self, most: int) -> Sequence[int]:
        """The ids of unpaid orders whose time is over, the oldest first."""
        overdue = (
            select(Order.id)
            .where(Order.expires_at <= func.now(), Order.status == OrderStatus.PENDING)
            .order_by(Order.expires_at, Order.id)
            .limit(most)
        )
        return (await self._session.scalars(overdue)).all()

    async def list_parts(self, order: Order) -> Sequence[Part]:
        """What stock the order takes, in the order of the items' ids."""
        columns = (
            OrderPart.line_id,
            OrderPart.item_id,
            OrderLine.quantity,
            OrderPart.quantity,
            OrderPart.reserved,
            OrderPart.shipped,
        )
        parts = select(*columns).join(OrderLine, OrderLine.id == OrderPart.line_id)
        ordered = parts.where(OrderPart.order_id == order.id).order_by(OrderPart.item_id, OrderPart.line_id)
        return [Part(*row) for row in await self._session.execute(ordered)]

    async def set_reserved(self, order: Order, *, is_reserved: bool) -> None:
        """Note that all of the order is set apart, or nothing is."""
        changed = update(OrderPart).where(OrderPart.order_id == order.id)
        await self._session.execute(changed.values(reserved=OrderPart.quantity if is_reserved else 0))

    async def note_shipped(self, shipped: Sequence[tuple[int, int, int]]) -> None:
        """Note of parts, by line and item, how many left."""
        columns = [cast([one[place] for one in shipped], ARRAY(BigInteger)) for place in range(3)]
        names = (column("line_id", BigInteger), column("item_id", BigInteger), column("pieces", Integer))
        left = func.unnest(*columns).table_valued(*names, name="leaving").render_derived()
        moved = update(OrderPart).where(
            OrderPart.line_id == left.c.line_id, OrderPart.item_id == left.c.item_id
        )
        values = {
            "reserved": OrderPart.reserved - left.c.pieces,
            "shipped": OrderPart.shipped + left.c.pieces,
        }
        await self._session.execute(moved.values(values).execution_options(synchronize_session=False))

    async def add_shipment(self, shipment: Shipment) -> int:
        """Insert the parcel; its id."""
        self._session.add(shipment)
        await self._session.flush()
        return shipment.id

    def note(
        self,
        order: Order,
        kind: str,
        actor_id: int | None,
        *,
        note: str | None = None,
        data: ResponseModel | None = None,
        is_public: bool = True,
    ) -> None:
        """Write an entry of the order's timeline."""
        entry = OrderEvent(order_id=order.id, kind=kind, actor_id=actor_id, note=note, is_public=is_public)
        entry.data = data.model_dump(mode="json") if data else None
        self._session.add(entry)

    async def _lock(self, wanted: Select[Order]) -> Order | None:
        locked = wanted.with_for_update().execution_options(populate_existing=True)
        return await self._session.scalar(locked)
