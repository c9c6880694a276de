"""Writing an order of what was bought: its lines, the discounts, and the stock, which is set apart or leaves at once."""

from collections import Counter
from collections.abc import Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.sales.cart.goods import Goods
from app.sales.checkout.quotes import TOTALS, Basket
from app.sales.discounts.repository import DiscountRepository
from app.sales.models import Order, OrderLine, OrderPart
from app.sales.offers.queries import find_parts
from app.sales.orders.events import OrderCreated
from app.sales.orders.repository import OrderRepository
from app.sales.orders.service import OrderService
from app.sales.pricing import PricedLine, Totals


class OrderPlacer:
    """Places orders, on the web and at the till alike."""

    def __init__(self, session: AsyncSession, orders: OrderRepository, states: OrderService) -> None:
        self._session = session
        self._orders = orders
        self._states = states

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, OrderRepository(session), OrderService.build(session))

    async def place(self, order: Order, basket: Basket, totals: Totals, actor_id: int | None) -> None:
        """Write the new order with all that the basket makes of it, or nothing of it.

        Its stock is set apart; at the till it leaves at once.
        Raises InsufficientStock, NotYetOnSale, DiscountExhausted.
        """
        for name in TOTALS:
            setattr(order, name, getattr(totals, name))
        order.user_id, order.coupon = basket.user_id, basket.coupon
        order.applied_discounts = [
            {"id": one.rule_id, "code": one.code, "name": one.name, "amount": str(one.amount)}
            for one in totals.applied
        ]
        lines = [order_line(goods, line) for (goods, _), line in zip(basket.goods, totals.lines, strict=True)]
        await self._orders.add(order, lines)
        is_at_counter = order.channel == "till"
        parts = await self._parts(lines)
        for part in parts:
            part.reserved, part.shipped = (0, part.quantity) if is_at_counter else (part.quantity, 0)
        await self._orders.add_parts(order, parts)
        take = self._states.hand_out if is_at_counter else self._states.reserve
        wanted = Counter[int]()
        for part in parts:
            wanted[part.item_id] += part.quantity
        await take(order, wanted, actor_id)
        await DiscountRepository(self._session).redeem(order.id, basket.user_id, totals.applied)
        created = OrderCreated(order.id, order.number, order.user_id, str(order.total), order.currency)
        await publish(self._session, created)

    async def _parts(self, lines: Sequence[OrderLine]) -> list[OrderPart]:
        """What stock the lines take."""
        by_item = {line.item_id: line for line in lines}
        parts = []
        for taken in await find_parts(await self._session.connection(), by_item):
            line = by_item[taken.line_item_id]
            parts.append(
                OrderPart(line_id=line.id, item_id=taken.item_id, quantity=taken.quantity * line.quantity)
            )
        return parts


def order_line(goods: Goods, priced: PricedLine) -> OrderLine:
    """A line as the order keeps it."""
    return OrderLine(
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
