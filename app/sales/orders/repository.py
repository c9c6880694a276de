"""Writes orders, their lines and what stock they take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import orjson
from sqlalchemy import BigInteger, Integer, Select, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.driver import fetch
from app.core.http.responses import ReadResult, version_etag
from app.core.http.schemas import ResponseModel
from app.core.metrics import ORDERS, count_at_commit
from app.sales.addresses.schemas import Address
from app.sales.models import Order, OrderEvent, OrderLine, OrderPart, Shipment
from app.sales.order_states import OrderStatus
from app.sales.orders.schemas import OrderOut
from app.sales.pricing import AppliedDiscount
from app.sales.shipping.queries import ShippingOption

TILL = "till"
"""The channel of what is sold at the counter; everything else is sold on the web."""


class Part(NamedTuple):
    """What of an item a line takes: how many pieces of the line there are, how many of the item, and where these are."""

    line_id: int
    item_id: int
    line_quantity: int
    quantity: int
    reserved: int
    shipped: int


class NewLine(NamedTuple):
    """A line as the order keeps it, with the names of its columns."""

    item_id: int
    kind: str
    title: str
    isbn: str | None
    sku: str | None
    quantity: int
    unit_price: Decimal
    tax_class: str
    tax_rate: Decimal
    tax: Decimal
    discount: Decimal
    line_total: Decimal


class NewOrder(NamedTuple):
    """An order to be written, with the names of its columns; what is sold at the till has left the shop already."""

    user_id: int | None
    channel: str
    status: str
    payment_status: str
    fulfilment_status: str
    currency: str
    is_gross: bool
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    total: Decimal
    coupon: str | None
    notes: str | None
    expires_at: datetime | None
    address: Address | None
    billing_address: Address | None
    shipping_option: ShippingOption | None
    applied_discounts: Sequence[AppliedDiscount]

    @property
    def is_at_counter(self) -> bool:
        """Whether the goods change hands at once."""
        return self.channel == TILL

    def values(self) -> Sequence[object]:
        """What the columns hold, in their order: the last four of them JSON."""
        address, billing, option, applied = self[-4:]
        return (
            *self[:-4],
            address and address.model_dump_json(),
            billing and billing.model_dump_json(),
            option and _json({**option._asdict(), "price": float(option.price)}),
            _json(
                [
                    {"id": one.rule_id, "code": one.code, "name": one.name, "amount": str(one.amount)}
                    for one in applied
                ]
            ),
        )


class PlacedOrder(NamedTuple):
    """An order that was just written, and how many pieces of each item it takes from the stock."""

    id: int
    number: str
    created_at: datetime
    order: NewOrder
    lines: Sequence[tuple[int, NewLine]]
    taken: Mapping[int, int]

    def to_result(self) -> ReadResult:
        """The order as `get_order` would read it now."""
        lines = [{"id": line_id, "shipped": 0, **line._asdict()} for line_id, line in self.lines]
        unset = dict.fromkeys(("pickup_code", "paid_at", "shipped_at", "delivered_at", "cancelled_at"))
        made = {"number": self.number, "created_at": self.created_at, "version": 1, "lines": lines}
        order = OrderOut.model_validate({**self.order._asdict(), **made, **unset})
        return ReadResult(order, "", version_etag(order.version))


# Everything that an order is made of, in one round trip. Of a bundle each part is taken from the stock. What is sold
# at the counter has an entry of its own in the timeline.
_ADD = """
    WITH placed AS (
        INSERT INTO orders (
            user_id, channel, status, payment_status, fulfilment_status, currency, is_gross, subtotal, discount, tax,
            shipping, total, coupon, notes, expires_at, address, billing_address, shipping_option, applied_discounts)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        RETURNING id, number, created_at
    ), written AS (
        INSERT INTO order_lines (
            order_id, position, item_id, kind, title, isbn, sku, quantity, unit_price, tax_class, tax_rate, tax,
            discount, line_total)
        SELECT placed.id, line.position, line.item_id, kind, title, isbn, sku, quantity, unit_price, tax_class,
            tax_rate, tax, discount, line_total
        FROM placed, unnest(
            $22::bigint[], $23::text[], $24::text[], $25::text[], $26::text[], $27::integer[], $28::numeric[],
            $29::text[], $30::numeric[], $31::numeric[], $32::numeric[], $33::numeric[]) WITH ORDINALITY AS line (
            item_id, kind, title, isbn, sku, quantity, unit_price, tax_class, tax_rate, tax, discount, line_total,
            position)
        ORDER BY line.position
        RETURNING id, position, item_id, quantity
    ), taken AS (
        INSERT INTO order_parts (order_id, line_id, item_id, quantity, reserved, shipped)
        SELECT placed.id, written.id, coalesce(part.item_id, written.item_id), pieces,
            CASE WHEN $20 THEN 0 ELSE pieces END, CASE WHEN $20 THEN pieces ELSE 0 END
        FROM placed, written LEFT JOIN offer_parts AS part ON part.offer_id = written.item_id,
            LATERAL (SELECT written.quantity * coalesce(part.quantity, 1)) AS each (pieces)
        RETURNING item_id, quantity
    ), noted AS (
        INSERT INTO order_events (order_id, kind, actor_id)
        SELECT id, 'placed', $21::bigint FROM placed WHERE NOT $20
    )
    SELECT placed.id, placed.number, placed.created_at,
        ARRAY(SELECT id FROM written ORDER BY position) AS line_ids, part.item_ids, part.pieces
    FROM placed, (SELECT array_agg(item_id) AS item_ids, array_agg(quantity) AS pieces FROM taken) AS part
"""


class OrderRepository:
    """Locks orders and writes what belongs to them. Locked: the order first, then stock, then discounts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, order: NewOrder, lines: Sequence[NewLine], actor_id: int | None) -> PlacedOrder:
        """Write the order with its lines, what stock they take, and the first entry of its timeline."""
        about = (*order.values(), order.is_at_counter, actor_id)
        [[order_id, number, created_at, line_ids, item_ids, pieces]] = await fetch(
            self._session, _ADD, *about, *zip(*lines, strict=True)
        )
        taken = Counter[int]()
        for item_id, count in zip(item_ids, pieces, strict=True):
            taken[item_id] += count
        written = [*zip(line_ids, lines, strict=True)]
        self.count_status(order)
        return PlacedOrder(order_id, number, created_at, order, written, taken)

    def count_status(self, order: Order | NewOrder) -> None:
        """Count that an order came to this status."""
        count_at_commit(self._session, ORDERS.labels(order.status, order.channel))

    async def get(self, order_id: int) -> Order:
        """The order, which this transaction wrote."""
        return await self._session.get_one(Order, order_id)

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


def _json(value: object) -> str:
    return orjson.dumps(value).decode()
