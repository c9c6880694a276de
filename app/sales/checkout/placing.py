"""Writing an order of what was bought: its lines, the discounts, and the stock, which is set apart or leaves at once."""

from datetime import datetime
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.sales.addresses.schemas import Address
from app.sales.cart.goods import Goods
from app.sales.checkout.quotes import TOTALS, Basket, Terms
from app.sales.discounts.repository import DiscountRepository
from app.sales.order_states import FulfilmentStatus, OrderPaymentStatus, OrderStatus
from app.sales.orders.events import OrderCreated
from app.sales.orders.repository import NewLine, NewOrder, OrderRepository, PlacedOrder
from app.sales.orders.service import OrderService
from app.sales.pricing import PricedLine, Totals
from app.sales.shipping.queries import ShippingOption


class Delivery(NamedTuple):
    """Where an order goes and how, who is billed, what the buyer says of it, and until when it must be paid."""

    address: Address | None = None
    billing_address: Address | None = None
    option: ShippingOption | None = None
    notes: str | None = None
    expires_at: datetime | None = None


class OrderPlacer:
    """Places orders, on the web and at the till alike."""

    def __init__(
        self,
        orders: OrderRepository,
        states: OrderService,
        discounts: DiscountRepository,
        session: AsyncSession,
        terms: Terms,
    ) -> None:
        self._orders = orders
        self._states = states
        self._discounts = discounts
        self._session = session
        self._terms = terms

    @classmethod
    def build(cls, session: AsyncSession, terms: Terms) -> Self:
        """Compose it on one session."""
        return cls(
            OrderRepository(session), OrderService.build(session), DiscountRepository(session), session, terms
        )

    async def place(
        self, channel: str, basket: Basket, totals: Totals, delivery: Delivery, actor_id: int | None
    ) -> PlacedOrder:
        """Write a new order with all that the basket makes of it, or nothing of it.

        Its stock is set apart; at the till it leaves at once.
        Raises InsufficientStock, NotYetOnSale, DiscountExhausted.
        """
        order = NewOrder(
            user_id=basket.user_id,
            channel=channel,
            status=OrderStatus.PENDING,
            payment_status=OrderPaymentStatus.UNPAID,
            fulfilment_status=FulfilmentStatus.UNFULFILLED,
            currency=self._terms.currency,
            is_gross=self._terms.is_gross,
            address=delivery.address,
            billing_address=delivery.billing_address,
            shipping_option=delivery.option,
            applied_discounts=totals.applied,
            coupon=basket.coupon,
            notes=delivery.notes,
            expires_at=delivery.expires_at,
            **{name: getattr(totals, name) for name in TOTALS},
        )
        lines = [new_line(goods, line) for (goods, _), line in zip(basket.goods, totals.lines, strict=True)]
        placed = await self._orders.add(order, lines, actor_id)
        take = self._states.hand_out if order.is_at_counter else self._states.reserve
        await take(placed.id, placed.taken, actor_id)
        await self._discounts.redeem(placed.id, basket.user_id, totals.applied)
        total = str(order.total)
        created = OrderCreated(placed.id, placed.number, total, order.currency, user_id=order.user_id)
        await publish(self._session, created)
        return placed


def new_line(goods: Goods, priced: PricedLine) -> NewLine:
    """A line as the order keeps it."""
    return NewLine(
        item_id=goods.item_id,
        kind=goods.kind,
        title=goods.title,
        isbn=goods.isbn,
        sku=goods.sku,
        quantity=priced.line.quantity,
        unit_price=priced.line.unit_price,
        tax_class=priced.line.tax_class,
        tax_rate=priced.tax_rate,
        tax=priced.tax,
        discount=priced.discount,
        line_total=priced.line_total,
    )
