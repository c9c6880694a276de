"""Selling at the counter: the order, the stock and the money in one step, with nothing left to do."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.errors import no_item
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.settings.settings import Settings
from app.identity.principal import Principal
from app.sales.addresses.places import UNITED_STATES
from app.sales.cart.goods import Goods
from app.sales.cart.queries import find_goods
from app.sales.checkout.placing import Delivery, OrderPlacer
from app.sales.checkout.quotes import (
    Basket,
    Terms,
    price_basket,
    require_coupon,
    require_sold,
    require_total,
)
from app.sales.checkout.service import terms_of
from app.sales.order_states import FulfilmentStatus, OrderStatus
from app.sales.orders.events import OrderDelivered
from app.sales.orders.repository import TILL, OrderRepository
from app.sales.orders.schemas import LARGEST_LINE
from app.sales.orders.service import OrderService
from app.sales.payments.service import PaymentService
from app.sales.scanning.queries import find_scanned
from app.sales.till.errors import TooLittleTendered, TooManyPieces
from app.sales.till.queries import SOLD
from app.sales.till.schemas import PaidBy, PaidOut, SaleIn, SaleLineIn


class ShopPlace(NamedTuple):
    """Where the shop is, whose taxes its counter takes."""

    country: str
    state: str | None


class TillService:
    """Sells at the counter of the shop."""

    def __init__(self, session: AsyncSession, placer: OrderPlacer, terms: Terms, shop: ShopPlace) -> None:
        self._session = session
        self._placer = placer
        self._terms = terms
        self._shop = shop

    @classmethod
    def build(cls, session: AsyncSession, settings: Settings) -> Self:
        """Compose it on one session. A shop that does not say where it is stands where addresses do that do not."""
        state = settings.shop_region[3:] if settings.shop_region else None
        shop = ShopPlace(settings.country or UNITED_STATES, state)
        terms = terms_of(settings)
        return cls(session, OrderPlacer.build(session, terms), terms, shop)

    async def sell(self, cashier: Principal, sale: SaleIn) -> str:
        """Sell it; the number of the order, which is the receipt's.

        Raises ItemNotFound, CodeNotFound, TooManyPieces, NotForSale, InsufficientStock, NotYetOnSale,
        CouponNotValid, OrderTooLarge, DiscountExhausted, PriceChanged, TooLittleTendered.
        """
        connection = await self._session.connection()
        basket = Basket(await self._find_goods(sale.lines), sale.coupon, None)
        require_sold(basket, self._terms.currency)
        priced = await price_basket(connection, basket, *self._shop, self._terms)
        require_coupon(priced.refusals)
        totals = priced.totals
        if sale.expected_total is not None:
            require_total(totals, sale.expected_total, self._terms)
        paid = self._take_money(sale, totals.total)
        placed = await self._placer.place(TILL, basket, totals, Delivery(), cashier.user_id)
        orders = OrderRepository(self._session)
        order = await orders.get(placed.id)
        if order.total:
            await PaymentService.build(self._session).take(order, sale.payment)
        else:
            await OrderService.build(self._session).mark_paid(order)
        # The goods changed hands: nothing was set apart, and nothing is left to ship.
        order.status, order.fulfilment_status = OrderStatus.DELIVERED, FulfilmentStatus.DELIVERED
        order.shipped_at = order.delivered_at = utc_now()
        orders.count_status(order)
        orders.note(order, SOLD, cashier.user_id, data=paid)
        await publish(self._session, OrderDelivered(order.id, order.number, user_id=order.user_id))
        return order.number

    async def _find_goods(self, lines: Sequence[SaleLineIn]) -> Sequence[tuple[Goods, int]]:
        """The goods, each once, in the order in which they came."""
        connection = await self._session.connection()
        codes = {f"lines.{place}.code": line.code for place, line in enumerate(lines) if line.code}
        scanned = {found.field: found.item_id for found in await find_scanned(connection, codes)}
        pieces = Counter[int]()
        for place, line in enumerate(lines):
            item_id = line.item_id or scanned[f"lines.{place}.code"]
            pieces[item_id] += line.quantity
            if pieces[item_id] > LARGEST_LINE:
                message = f"At most {LARGEST_LINE} of an item are sold at once."
                field = f"lines.{place}.quantity"
                raise TooManyPieces(message, errors=TooManyPieces.about(field, message))
        goods = {found.item_id: found for found in await find_goods(connection, pieces)}
        for item_id in pieces:
            if item_id not in goods:
                raise no_item(item_id)
        return [(goods[item_id], quantity) for item_id, quantity in pieces.items()]

    def _take_money(self, sale: SaleIn, total: Decimal) -> PaidOut:
        """How it is paid, for the timeline. Raises TooLittleTendered."""
        if sale.payment is PaidBy.CARD:
            return PaidOut(payment=sale.payment, tendered=None, change=None)
        tendered = total if sale.tendered is None else sale.tendered
        if tendered < total:
            message = f"It costs {total} {self._terms.currency}; {tendered} are not enough."
            raise TooLittleTendered(message, errors=TooLittleTendered.about("tendered", message))
        return PaidOut(payment=sale.payment, tendered=tendered, change=tendered - total)
