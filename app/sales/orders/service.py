"""What becomes of an order: paid, cancelled, expired, shipped, delivered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.repository import Cause, Moved, StockLedger
from app.catalog.goods.sale_policies import may_ship
from app.catalog.models import MovementKind
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.metrics import REVENUE, count_at_commit
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.sales.discounts.errors import DiscountExhausted
from app.sales.discounts.repository import DiscountRepository
from app.sales.errors import no_order
from app.sales.inventory.errors import InsufficientStock, only
from app.sales.models import Order, Shipment
from app.sales.order_states import (
    Action,
    FulfilmentStatus,
    OrderPaymentStatus,
    OrderStatus,
    next_status,
    offered_actions,
)
from app.sales.orders.errors import IllegalTransition, NothingToShip, NotYetOnSale, WrongPickupCode
from app.sales.orders.events import (
    OrderCancelled,
    OrderDelivered,
    OrderOverdue,
    OrderPaid,
    OrderReadyForPickup,
    OrderShipped,
)
from app.sales.orders.pickup_codes import is_code, make_code
from app.sales.orders.queries import find_earliest_sale
from app.sales.orders.repository import OrderRepository, Part
from app.sales.orders.schemas import NoteIn, ParcelOut, ShipmentIn
from app.sales.pricing import AppliedDiscount

_MOST_AT_ONCE = 500


def seen_user(caller: Principal) -> int | None:
    """Whose orders the caller sees: their own; None for staff, who see all."""
    return None if caller.may(Permission.ORDERS_MANAGE) else caller.user_id


class OrderService:
    """Changes orders, each under its lock, and moves their stock by the ledger."""

    def __init__(
        self,
        session: AsyncSession,
        orders: OrderRepository,
        ledger: StockLedger,
        discounts: DiscountRepository,
    ) -> None:
        self._session = session
        self._orders = orders
        self._ledger = ledger
        self._discounts = discounts

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, OrderRepository(session), StockLedger(session), DiscountRepository(session))

    async def lock_own(self, caller: Principal, number: str) -> Order:
        """Lock an order of the caller's, or for staff anybody's. Raises OrderNotFound."""
        return await self.lock_seen_by(seen_user(caller), number)

    async def lock_seen_by(self, user_id: int | None, number: str) -> Order:
        """Lock an order of the account's; None: of anybody's. Raises OrderNotFound."""
        order = await self._orders.lock_number(number, user_id)
        if order is None:
            raise no_order(number)
        return order

    async def cancel(self, caller: Principal, number: str) -> None:
        """Call the order off: stock and discounts are free again, and what was paid goes back.

        Raises OrderNotFound, IllegalTransition.
        """
        order = await self.lock_own(caller, number)
        await self._end(order, Action.CANCEL, caller.user_id)

    async def announce_overdue(self) -> int:
        """Announce unpaid orders whose time is over; return how many.

        Each is called off in a transaction of its own: together their stock would be locked in no order.
        """
        overdue = await self._orders.list_overdue(_MOST_AT_ONCE)
        for order_id in overdue:
            await publish(self._session, OrderOverdue(order_id))
        return len(overdue)

    async def expire(self, order_id: int) -> None:
        """Call the order off unless it was paid, or ended, meanwhile."""
        order = await self._orders.lock(order_id)
        if order is not None and order.expires_at is not None and order.expires_at <= utc_now():
            await self._end(order, Action.EXPIRE, None)

    async def mark_paid(self, order: Order) -> bool:
        """Note that the locked order is paid in full; whether it stands.

        One that was called off goes on if its stock and its discounts are still to be had. False, also for one
        that was paid before: the money must go back.
        """
        status = OrderStatus(order.status)
        if status is OrderStatus.CANCELLED and order.paid_at is None and await self._revive(order):
            self._orders.note(order, "revived", None)
        elif status is OrderStatus.PENDING:
            self._move(order, Action.PAY)
        else:
            return False
        order.payment_status = OrderPaymentStatus.PAID
        order.paid_at, order.expires_at = utc_now(), None
        count_at_commit(self._session, REVENUE.labels(order.currency), float(order.total))
        self._orders.note(order, "paid", None)
        await publish(self._session, OrderPaid(order.id, order.number, user_id=order.user_id))
        return True

    async def ship(self, actor: Principal, number: str, shipment: ShipmentIn) -> int:
        """Send a parcel with the lines named, or with all that is left; its id.

        Raises OrderNotFound, IllegalTransition, NothingToShip, NotYetOnSale, InsufficientStock.
        """
        order = await self.lock_own(actor, number)
        self._require(order, Action.SHIP)
        parts = await self._orders.list_parts(order)
        pieces = _pieces_to_ship(parts, shipment)
        leaving = await self._send(order, parts, pieces, actor)
        is_complete = sum(part.reserved for part in parts) == sum(leaving.values())
        self._move(order, Action.SHIP if is_complete else Action.SHIP_PART)
        order.fulfilment_status = (
            FulfilmentStatus.SHIPPED if is_complete else FulfilmentStatus.PARTIALLY_SHIPPED
        )
        order.shipped_at = utc_now()
        lines = [{"line_id": line_id, "quantity": quantity} for line_id, quantity in pieces.items()]
        parcel = Shipment(
            order_id=order.id, carrier=shipment.carrier, tracking=shipment.tracking, lines=lines
        )
        shipment_id = await self._orders.add_shipment(parcel)
        sent = ParcelOut(
            shipment_id=shipment_id, carrier=parcel.carrier, tracking=parcel.tracking, lines=lines
        )
        self._orders.note(order, "shipped", actor.user_id, data=sent)
        await publish(self._session, OrderShipped(order.id, order.number, shipment_id, user_id=order.user_id))
        return shipment_id

    async def deliver(self, actor: Principal, number: str) -> None:
        """Note that everything arrived. Raises OrderNotFound, IllegalTransition."""
        order = await self.lock_own(actor, number)
        self._move(order, Action.DELIVER)
        order.fulfilment_status, order.delivered_at = FulfilmentStatus.DELIVERED, utc_now()
        self._orders.note(order, "delivered", actor.user_id)
        await publish(self._session, OrderDelivered(order.id, order.number, user_id=order.user_id))

    async def make_ready(self, actor: Principal, number: str) -> None:
        """Lay it out for its buyer, who is told a code to show. Raises OrderNotFound, IllegalTransition, NotYetOnSale."""
        order = await self.lock_own(actor, number)
        self._move(order, Action.READY)
        await self._require_on_sale(
            {part.item_id: part.reserved for part in await self._orders.list_parts(order)}
        )
        order.fulfilment_status, order.pickup_code = FulfilmentStatus.READY_FOR_PICKUP, make_code()
        self._orders.note(order, "ready_for_pickup", actor.user_id)
        await publish(self._session, OrderReadyForPickup(order.id, order.number, user_id=order.user_id))

    async def pick_up(self, actor: Principal, number: str, shown: str) -> None:
        """Hand the order over to whoever shows its code: the stock leaves with them.

        Raises OrderNotFound, IllegalTransition, WrongPickupCode, NothingToShip, NotYetOnSale, InsufficientStock.
        """
        order = await self.lock_own(actor, number)
        self._move(order, Action.PICK_UP)
        if not is_code(shown, order.pickup_code or ""):
            message = f"This is not the code of {number}."
            raise WrongPickupCode(message, errors=WrongPickupCode.about("code", message))
        parts = await self._orders.list_parts(order)
        await self._send(order, parts, _pieces_to_ship(parts, ShipmentIn()), actor)
        order.fulfilment_status, order.pickup_code = FulfilmentStatus.DELIVERED, None
        order.shipped_at = order.delivered_at = utc_now()
        self._orders.note(order, "picked_up", actor.user_id)
        await publish(self._session, OrderDelivered(order.id, order.number, user_id=order.user_id))

    async def annotate(self, actor: Principal, number: str, note: NoteIn) -> None:
        """Write a note into the timeline. Raises OrderNotFound."""
        order = await self.lock_own(actor, number)
        self._orders.note(order, "note", actor.user_id, note=note.note, is_public=note.is_public)

    async def reserve(self, order_id: int, wanted: Mapping[int, int], actor_id: int | None) -> None:
        """Set apart so many of each item, which is what the order takes. Raises InsufficientStock."""
        cause = Cause(MovementKind.RESERVATION, actor_id, order_id=order_id)
        moved = await self._ledger.reserve(wanted, cause)
        self._settle(wanted, moved, {one.item_id: one.available for one in moved})

    async def hand_out(self, order_id: int, wanted: Mapping[int, int], actor_id: int | None) -> None:
        """Take so many of each item, of which none is set apart. Raises InsufficientStock, NotYetOnSale."""
        await self._require_on_sale(wanted)
        taken = {item_id: -pieces for item_id, pieces in wanted.items()}
        moved = await self._ledger.move(taken, Cause(MovementKind.SALE, actor_id, order_id=order_id))
        self._settle(wanted, moved, {one.item_id: min(one.available, one.on_hand) for one in moved})

    async def _send(
        self, order: Order, parts: Sequence[Part], pieces: Mapping[int, int], actor: Principal
    ) -> Counter[int]:
        """Take these pieces of the lines, which are set apart, out of the shop; how many of each item they are."""
        shipped = [
            (part.line_id, part.item_id, pieces[part.line_id] * part.quantity // part.line_quantity)
            for part in parts
            if part.line_id in pieces
        ]
        leaving = Counter[int]()
        for _, item_id, left in shipped:
            leaving[item_id] += left
        await self._require_on_sale(leaving)
        counted = await self._counted(leaving)
        moved = await self._ledger.ship(counted, Cause(MovementKind.SALE, actor.user_id, order_id=order.id))
        self._settle(counted, moved, {one.item_id: one.on_hand for one in moved})
        await self._orders.note_shipped(shipped)
        return leaving

    async def _end(self, order: Order, action: Action, actor_id: int | None) -> None:
        self._move(order, action)
        released = Counter[int]()
        for part in await self._orders.list_parts(order):
            released[part.item_id] -= part.reserved
        if released:
            counted = await self._counted(released)
            cause = Cause(MovementKind.RELEASE, actor_id, order_id=order.id)
            self._settle(counted, await self._ledger.reserve(counted, cause), {})
            await self._orders.set_reserved(order, is_reserved=False)
        await self._discounts.release(order.id)
        order.cancelled_at, order.expires_at = utc_now(), None
        order.fulfilment_status, order.pickup_code = FulfilmentStatus.UNFULFILLED, None
        reason = "expired" if action is Action.EXPIRE else "cancelled"
        self._orders.note(order, reason, actor_id)
        cancelled = OrderCancelled(order.id, order.number, reason, user_id=order.user_id)
        await publish(self._session, cancelled)

    async def _counted(self, pieces: Mapping[int, int]) -> Mapping[int, int]:
        """Those of items that have stock still: what is of an item that the catalogue has no more moves nothing."""
        there = await self._ledger.lock(pieces)
        return {item_id: count for item_id, count in pieces.items() if item_id in there and count}

    async def _revive(self, order: Order) -> bool:
        applied = [
            AppliedDiscount(one["id"], one["code"], one["name"], one["amount"])
            for one in order.applied_discounts
        ]
        try:
            async with self._session.begin_nested():
                wanted = Counter[int]()
                for part in await self._orders.list_parts(order):
                    wanted[part.item_id] += part.quantity
                await self.reserve(order.id, wanted, None)
                await self._orders.set_reserved(order, is_reserved=True)
                if applied:
                    await self._discounts.redeem(order.id, order.user_id, applied)
        except (InsufficientStock, DiscountExhausted):
            return False
        self._move(order, Action.REVIVE)
        order.cancelled_at = None
        return True

    async def _require_on_sale(self, leaving: Mapping[int, int]) -> None:
        on_sale_at = await find_earliest_sale(
            await self._session.connection(), [item_id for item_id, pieces in leaving.items() if pieces]
        )
        if not may_ship(on_sale_at, utc_now()):
            raise NotYetOnSale(
                f"Something of it is on sale from {on_sale_at:%Y-%m-%d} only; ship the other lines."
            )

    def _require(self, order: Order, action: Action) -> OrderStatus:
        status, fulfilment = OrderStatus(order.status), FulfilmentStatus(order.fulfilment_status)
        following = next_status(status, fulfilment, action, is_pickup=order.is_pickup)
        if following is None:
            allowed = offered_actions(status, fulfilment, is_pickup=order.is_pickup)
            can = f"what can be done: {', '.join(allowed)}" if allowed else "nothing more can be done with it"
            raise IllegalTransition(f"The order is {status}, {fulfilment}; {can}.", allowed=allowed)
        return following

    def _move(self, order: Order, action: Action) -> None:
        before, order.status = order.status, self._require(order, action)
        if order.status != before:
            self._orders.count_status(order)

    def _settle(self, wanted: Mapping[int, int], moved: Sequence[Moved], there: Mapping[int, int]) -> None:
        if len(moved) < len(wanted) or any(one.movement_id is None for one in moved):
            raise only({each: there.get(each, 0) for each in wanted if there.get(each, 0) < wanted[each]})
        invalidate(self._session, LISTS, *(ITEM.format(item_id) for item_id in wanted))


def _pieces_to_ship(parts: Sequence[Part], shipment: ShipmentIn) -> dict[int, int]:
    """How many pieces of each line leave. Raises NothingToShip."""
    left = {
        part.line_id: part.reserved * part.line_quantity // part.quantity for part in parts if part.reserved
    }
    if not left:
        raise NothingToShip("Nothing of it is left to ship.")
    if shipment.lines is None:
        return left
    pieces = Counter[int]()
    for line in shipment.lines:
        pieces[line.line_id] += line.quantity
    for line_id, quantity in pieces.items():
        if quantity > left.get(line_id, 0):
            raise NothingToShip(f"Of line {line_id} there are {left.get(line_id, 0)} left to ship.")
    return dict(pieces)
