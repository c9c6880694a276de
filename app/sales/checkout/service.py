"""The one step that makes an order: priced, discounted, set apart and written, or nothing of it."""

from datetime import timedelta
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.goods.errors import no_item
from app.core.clock import utc_now
from app.core.db.driver import connection_of
from app.core.http.responses import ReadResult
from app.core.settings.settings import Settings
from app.identity.principal import Principal
from app.sales.addresses.queries import get_own_address
from app.sales.addresses.schemas import Address
from app.sales.cart.queries import CartOwner, find_cart, find_goods, find_lines
from app.sales.cart.repository import CartRepository
from app.sales.cart.service import account_cart
from app.sales.checkout.errors import CartEmpty
from app.sales.checkout.placing import Delivery, OrderPlacer
from app.sales.checkout.quotes import Basket, Quote, Terms, quote, require_coupon, require_sold, require_total
from app.sales.checkout.schemas import CheckoutIn, PurchaseIn, QuoteIn
from app.sales.orders.queries import get_order
from app.sales.orders.repository import OrderRepository
from app.sales.orders.service import OrderService


class Bought(NamedTuple):
    """The order that was made, by its number and as its buyer reads it."""

    number: str
    order: ReadResult


class CheckoutService:
    """Makes orders of carts, and of single items."""

    def __init__(self, session: AsyncSession, carts: CartRepository, settings: Settings) -> None:
        self._session = session
        self._carts = carts
        self._terms = terms_of(settings)
        self._placer = OrderPlacer.build(session, self._terms)
        self._unpaid = timedelta(minutes=settings.orders.unpaid_minutes)

    @classmethod
    def build(cls, session: AsyncSession, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(session, CartRepository(session), settings)

    async def check_out(self, buyer: Principal, checkout: CheckoutIn) -> Bought:
        """Make an order of the buyer's cart, and empty that.

        Raises CartEmpty, NotForSale, CouponNotValid, PriceChanged, InsufficientStock, AddressNotFound,
        OrderTooLarge, NotShippedThere, UnknownShippingOption, DiscountExhausted.
        """
        connection = await connection_of(self._session)
        cart = await self._carts.lock(account_cart(buyer.user_id))
        if cart is None:
            raise CartEmpty("Put something in the cart first.")
        lines = [(line.goods, line.quantity) for line in await find_lines(connection, cart.id)]
        if checkout.address is not None:
            address = checkout.address.to_address()
        else:
            address = await get_own_address(connection, buyer.user_id, checkout.address_id or 0)
        basket = Basket(lines, checkout.coupon or cart.coupon, buyer.user_id)
        priced = await self._price(basket, address, checkout.shipping_option)
        require_total(priced.totals, checkout.expected_total, self._terms)
        billing = checkout.billing_address.to_address() if checkout.billing_address else None
        bought = await self._place(basket, priced, Delivery(address, billing, notes=checkout.notes))
        await self._carts.clear(cart)
        return bought

    async def purchase(self, buyer: Principal, purchase: PurchaseIn) -> Bought:
        """Buy one item at once, whatever it costs now.

        Raises ItemNotFound, NotForSale, InsufficientStock, OrderTooLarge, NotShippedThere, UnknownShippingOption.
        """
        found = await find_goods(await self._session.connection(), [purchase.item_id])
        if not found or not found[0].is_active:
            raise no_item(purchase.item_id)
        basket = Basket([(found[0], purchase.quantity)], None, buyer.user_id)
        address = purchase.address.to_address()
        priced = await self._price(basket, address, purchase.shipping_option)
        return await self._place(basket, priced, Delivery(address, notes=purchase.notes))

    async def _price(self, basket: Basket, address: Address, code: str | None) -> Quote:
        require_sold(basket, self._terms.currency)
        priced = await quote(await connection_of(self._session), basket, address, code, self._terms)
        require_coupon(priced.refusals)
        return priced

    async def _place(self, basket: Basket, priced: Quote, delivery: Delivery) -> Bought:
        delivery = delivery._replace(option=priced.option, expires_at=utc_now() + self._unpaid)
        placed = await self._placer.place("web", basket, priced.totals, delivery, basket.user_id)
        if placed.order.total:
            return Bought(placed.number, placed.to_result())
        await OrderService.build(self._session).mark_paid(await OrderRepository(self._session).get(placed.id))
        return Bought(placed.number, await get_order(await self._session.connection(), placed.number))


async def read_quote(
    connection: AsyncConnection, owner: CartOwner, wanted: QuoteIn, terms: Terms
) -> ReadResult:
    """Read what the owner's cart costs at an address. Raises CartEmpty, OrderTooLarge, NotShippedThere, UnknownShippingOption."""
    cart = await find_cart(connection, owner)
    lines = await find_lines(connection, cart.id) if cart else []
    sold = [(line.goods, line.quantity) for line in lines if line.goods.is_for_sale(terms.currency)]
    if cart is None or not sold:
        raise CartEmpty("Put something in the cart that is for sale.")
    basket = Basket(sold, wanted.coupon or cart.coupon, owner.user_id)
    found = await quote(connection, basket, wanted.address.to_address(), wanted.shipping_option, terms)
    return ReadResult(found.to_out(terms.currency), cart.snapshot)


def terms_of(settings: Settings) -> Terms:
    """How the shop sells."""
    return Terms(settings.currency, settings.orders.prices_include_tax)
