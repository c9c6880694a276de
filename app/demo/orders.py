"""Invents the orders of the last months: priced as a checkout does, the older the farther on their way."""

import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.models import Item
from app.catalog.views.repository import rank_items
from app.core.clock import shop_today, utc_now
from app.core.events.events import publish
from app.core.settings.settings import Settings
from app.demo.sales import LEFT, Outcome, Sale, write_sales
from app.sales.addresses.schemas import Address, AddressIn
from app.sales.bestsellers.repository import count_sold, find_pairs
from app.sales.cart.goods import Goods
from app.sales.cart.queries import find_goods
from app.sales.checkout.placing import new_line
from app.sales.checkout.quotes import DOWNLOAD
from app.sales.invoices.events import InvoiceIssued
from app.sales.invoices.service import InvoiceService
from app.sales.models import Order, OrderLine
from app.sales.order_states import FulfilmentStatus, OrderPaymentStatus, OrderStatus
from app.sales.pricing import Line, TaxClass, Totals, price
from app.sales.shipping.queries import ShippingOption, list_options
from app.sales.taxes.queries import Rates, find_rates

MOST_DAYS = 150
_ORDERS = 240
_SEED = 1455
_SHELF = 400
"""So many of the best known books are what people buy."""
_LEAST_STOCK = 12
_PER_SHELF = 60
_MOST_TENS = 20
_ADDRESSES = (
    ("Rita Reader", "Torstraße 1", "Berlin", None, "10119", "DE"),
    ("Jürgen Weiß", "Marktplatz 4", "Lübeck", None, "23552", "DE"),
    ("Anna Schmidt", "Ludwigstraße 12", "München", None, "80539", "DE"),
    ("Clara Huber", "Lange Gasse 8", "Wien", None, "1080", "AT"),
    ("Zoé Lefèvre", "12 rue des Écoles", "Paris", None, "75005", "FR"),
    ("Siobhán Walsh", "5 Market Street", "Cambridge", None, "CB2 3NZ", "GB"),
    ("Grace Hill", "221 Pine Street", "San Francisco", "CA", "94104", "US"),
)
_PLACES = tuple(
    AddressIn(full_name=name, street_line_1=street, city=city, state=state, zip_code=code, country=country)
    for name, street, city, state, code, country in _ADDRESSES
)
_ODDS = ((Outcome.EXPIRED, 0.06, 1), (Outcome.CALLED_OFF, 0.09, 1), (Outcome.RETURNED, 0.12, 20))
"""What goes wrong: below which chance, and with orders older than so many days."""
_STEPS = ((Outcome.PENDING, 1 / 96), (Outcome.PROCESSING, 2), (Outcome.SHIPPED, 6))
"""How far orders are that are younger than so many days; any other is delivered."""
_STATES: Mapping[Outcome, tuple[OrderStatus, OrderPaymentStatus, FulfilmentStatus]] = {
    Outcome.PENDING: (OrderStatus.PENDING, OrderPaymentStatus.UNPAID, FulfilmentStatus.UNFULFILLED),
    Outcome.EXPIRED: (OrderStatus.CANCELLED, OrderPaymentStatus.UNPAID, FulfilmentStatus.UNFULFILLED),
    Outcome.CALLED_OFF: (OrderStatus.CANCELLED, OrderPaymentStatus.REFUNDED, FulfilmentStatus.UNFULFILLED),
    Outcome.PROCESSING: (OrderStatus.PROCESSING, OrderPaymentStatus.PAID, FulfilmentStatus.UNFULFILLED),
    Outcome.SHIPPED: (OrderStatus.SHIPPED, OrderPaymentStatus.PAID, FulfilmentStatus.SHIPPED),
    Outcome.DELIVERED: (OrderStatus.DELIVERED, OrderPaymentStatus.PAID, FulfilmentStatus.DELIVERED),
    Outcome.RETURNED: (OrderStatus.RETURNED, OrderPaymentStatus.REFUNDED, FulfilmentStatus.RETURNED),
}


class Prices:
    """Prices as a checkout does; rates and ways to send are asked for once, not for each of hundreds of orders."""

    def __init__(self, connection: AsyncConnection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self._rates: dict[str, Rates] = {}
        self._options: dict[tuple[str, int, int], ShippingOption] = {}

    async def of(self, goods: Sequence[tuple[Goods, int]], address: Address) -> tuple[Totals, ShippingOption]:
        """What the goods cost at the address, and how they get there."""
        lines = [one.line(quantity) for one, quantity in goods]
        country = address.country
        if country not in self._rates:
            today = shop_today()
            self._rates[country] = await find_rates(self._connection, country, address.state, today)
        option = DOWNLOAD
        if any(line.tax_class is not TaxClass.EBOOK for line in lines):
            option = await self._option(lines, address)
        totals = price(
            lines,
            rates=self._rates[country],
            is_gross=self._settings.orders.prices_include_tax,
            shipping=option.price,
            currency=self._settings.currency,
        )
        return totals, option

    async def _option(self, lines: Sequence[Line], address: Address) -> ShippingOption:
        # Whole kilograms and tens of money decide what it costs.
        kilograms = -(-sum(line.weight_grams * line.quantity for line in lines) // 1000)
        tens = int(sum((line.unit_price * line.quantity for line in lines), Decimal(0)) // 10)
        key = (address.country, kilograms, min(tens, _MOST_TENS))
        if key not in self._options:
            goods_total = Decimal(10 * key[2])
            options = await list_options(self._connection, address, 1000 * kilograms, goods_total)
            self._options[key] = next(each for each in options if not each.is_pickup)
        return self._options[key]


async def add_orders(session: AsyncSession, settings: Settings, buyers: Sequence[int], staff_id: int) -> int:
    """Add a few hundred orders of these accounts, oldest first, and tell the catalogue what sells; how many."""
    draw = random.Random(_SEED)  # noqa: S311 (shop-window dummies need no cryptography)
    connection = await session.connection()
    known = (await session.scalars(select(Item.id).order_by(Item.id).limit(_SHELF))).all()
    shelf = [goods for goods in await find_goods(connection, known) if goods.available >= _LEAST_STOCK]
    shelf = [goods for goods in shelf if goods.is_for_sale(settings.currency)][:_PER_SHELF]
    prices, sales = Prices(connection, settings), []
    for outcome, placed_at in _course(draw, utc_now()):
        goods = [(one, draw.choice((1, 1, 1, 2))) for one in _choose(draw, shelf)]
        buyer_id = draw.choice(buyers)
        address = draw.choice(_PLACES).to_address()
        totals, option = await prices.of(goods, address)
        order = _order(outcome, placed_at, totals, settings)
        order.user_id, order.address = buyer_id, address.model_dump(mode="json")
        order.shipping_option = {**option._asdict(), "price": float(option.price)}
        lines = [
            OrderLine(**new_line(one, line)._asdict())
            for (one, _), line in zip(goods, totals.lines, strict=True)
        ]
        sales.append(Sale(outcome, order, lines))
    await write_sales(session, sales, staff_id)
    await _issue_invoices(session, settings, sales)
    await count_sold(session)
    await find_pairs(session)
    await rank_items(session)
    return len(sales)


def _course(draw: random.Random, now: datetime) -> list[tuple[Outcome, datetime]]:
    """When orders were placed, the first first, and what became of each by now: the older, the farther."""
    # More of late: the square of an even draw. And two that are not paid yet.
    ages = [MOST_DAYS * draw.random() ** 2 for _ in range(_ORDERS)] + [1 / 288, 1 / 576]
    ages.sort(reverse=True)
    return [(_outcome(draw.random(), age), now - timedelta(days=age, minutes=3)) for age in ages]


def _outcome(chance: float, age: float) -> Outcome:
    wrong = (outcome for outcome, below, least in _ODDS if chance < below and age > least)
    right = (outcome for outcome, below in _STEPS if age < below)
    return next(wrong, None) or next(right, Outcome.DELIVERED)


def _choose(draw: random.Random, shelf: Sequence[Goods]) -> list[Goods]:
    """A few of the shelf: a few sell much, and who buys one often takes what stands beside it."""
    first = int(len(shelf) * draw.random() ** 2)
    places = {first: None}
    if draw.random() < 0.5:  # noqa: PLR2004 (every other)
        places[(first + 1) % len(shelf)] = None
    if draw.random() < 0.3:  # noqa: PLR2004 (not quite a third)
        places[draw.randrange(len(shelf))] = None
    return [shelf[place] for place in places]


def _order(outcome: Outcome, at: datetime, totals: Totals, settings: Settings) -> Order:
    status, payment, fulfilment = _STATES[outcome]
    paid_at = None if payment is OrderPaymentStatus.UNPAID else at + timedelta(minutes=2)
    is_cancelled = status is OrderStatus.CANCELLED
    unpaid = timedelta(minutes=settings.orders.unpaid_minutes)
    return Order(
        channel="web",
        status=status,
        payment_status=payment,
        fulfilment_status=fulfilment,
        currency=settings.currency,
        is_gross=settings.orders.prices_include_tax,
        subtotal=totals.subtotal,
        discount=totals.discount,
        tax=totals.tax,
        shipping=totals.shipping,
        total=totals.total,
        applied_discounts=[],
        expires_at=at + unpaid if outcome is Outcome.PENDING else None,
        paid_at=paid_at,
        shipped_at=at + timedelta(hours=26) if outcome in LEFT else None,
        delivered_at=at + timedelta(hours=90) if outcome in LEFT - {Outcome.SHIPPED} else None,
        cancelled_at=at + (timedelta(hours=4) if paid_at else unpaid) if is_cancelled else None,
        created_at=at,
        updated_at=at,
    )


async def _issue_invoices(session: AsyncSession, settings: Settings, sales: Sequence[Sale]) -> None:
    """Issue what is invoiced and credited, all on the day of the load, as the numbers follow; the worker prints it."""
    invoices = InvoiceService.build(session, settings.shop)
    paid = [(sale.order, sale.lines) for sale in sales if sale.order.paid_at is not None]
    issued: list[int | None] = [*await invoices.issue_invoices(paid)]
    issued += [
        await invoices.issue_credit_note(refund.order_id, refund.id, refund.amount)
        for sale in sales
        if (refund := sale.refund) is not None
    ]
    for invoice_id in issued:
        if invoice_id is not None:
            await publish(session, InvoiceIssued(invoice_id))
