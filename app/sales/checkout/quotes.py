"""What goods cost at an address: discounts, tax of the day, and the ways to send them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import shop_today
from app.sales.addresses.schemas import Address
from app.sales.cart.errors import CouponNotValid, NotForSale
from app.sales.cart.goods import Goods
from app.sales.checkout.errors import (
    CartEmpty,
    NotShippedThere,
    OrderTooLarge,
    PriceChanged,
    UnknownShippingOption,
)
from app.sales.checkout.schemas import QuoteOut, ShippingOptionOut
from app.sales.discounts.queries import find_rules
from app.sales.inventory.errors import only
from app.sales.pricing import TaxClass, Totals, price
from app.sales.shipping.queries import ShippingOption, list_options
from app.sales.taxes.queries import find_rates

DOWNLOAD = ShippingOption("download", "Download", Decimal(0), 0, None, is_pickup=False)
"""How goods are sent of which none is a thing."""
LARGEST_ORDER = Decimal(9_000_000_000)
"""What an order may come to: the amounts that the database holds, with room for sending it."""
TOTALS = ("subtotal", "discount", "tax", "shipping", "total")


class Terms(NamedTuple):
    """How the shop sells: its currency, and whether its prices contain the tax."""

    currency: str
    is_gross: bool


class Basket(NamedTuple):
    """What somebody means to buy: goods, each with how many, a coupon, and who buys (None: a guest)."""

    goods: Sequence[tuple[Goods, int]]
    coupon: str | None
    user_id: int | None


class Quote(NamedTuple):
    """What a basket costs, how it can be sent, and how it is; `refusals`: why the coupon does not count."""

    totals: Totals
    options: Sequence[ShippingOption]
    option: ShippingOption
    refusals: Sequence[str]

    def to_out(self, currency: str) -> QuoteOut:
        """The quote as clients see it."""
        totals = self.totals
        return QuoteOut(
            shipping_options=[ShippingOptionOut.model_validate(option) for option in self.options],
            shipping_option=self.option.code,
            subtotal=totals.subtotal,
            discount=totals.discount,
            tax=totals.tax,
            shipping=totals.shipping,
            total=totals.total,
            currency=currency,
            explain=[*totals.explain, *self.refusals],
        )


class Priced(NamedTuple):
    """What a basket costs before it is sent, and why its coupon does not count."""

    totals: Totals
    refusals: Sequence[str]


def require_sold(basket: Basket, currency: str) -> None:
    """Raises NotForSale, InsufficientStock. The ledger decides; whoever comes too late need not get as far."""
    gone = [goods for goods, _ in basket.goods if not goods.is_for_sale(currency)]
    if gone:
        titles = ", ".join(f"“{goods.title}”" for goods in gone)
        raise NotForSale(f"Not for sale any more: {titles}; leave it out.")
    short = {goods.item_id: goods.available for goods, pieces in basket.goods if goods.available < pieces}
    if short:
        raise only(short)


def require_coupon(refusals: Sequence[str]) -> None:
    """Raises CouponNotValid where the coupon was refused."""
    for message in refusals:
        raise CouponNotValid(message, errors=CouponNotValid.about("coupon", message))


def require_total(totals: Totals, expected: Decimal, terms: Terms) -> None:
    """Raises PriceChanged where it costs something else."""
    if totals.total != expected:
        amounts = {name: float(getattr(totals, name)) for name in TOTALS}
        message = f"It costs {totals.total} {terms.currency} now, not {expected}."
        raise PriceChanged(message, totals=amounts, currency=terms.currency)


async def price_basket(
    connection: AsyncConnection, basket: Basket, country: str, state: str | None, terms: Terms
) -> Priced:
    """Price the basket with the discounts of the moment and the tax of the day at that place. Raises OrderTooLarge."""
    found = await find_rules(connection, basket.coupon, basket.user_id)
    rates = await find_rates(connection, country, state, shop_today())
    lines = [goods.line(quantity) for goods, quantity in basket.goods]
    totals = price(lines, rules=found.rules, rates=rates, is_gross=terms.is_gross, currency=terms.currency)
    if totals.total > LARGEST_ORDER:
        message = f"It comes to {totals.total:,} {terms.currency}, an order to {LARGEST_ORDER:,} at most."
        raise OrderTooLarge(message)
    return Priced(totals, found.refusals)


async def quote(
    connection: AsyncConnection, basket: Basket, address: Address, code: str | None, terms: Terms
) -> Quote:
    """Price the basket at the address, sent in the way of this code, or in the cheapest.

    Raises CartEmpty, OrderTooLarge, NotShippedThere, UnknownShippingOption.
    """
    if not basket.goods:
        raise CartEmpty("Put something in the cart that is for sale.")
    totals, refusals = await price_basket(connection, basket, address.country, address.state, terms)
    lines = [priced_line.line for priced_line in totals.lines]
    options: Sequence[ShippingOption] = [DOWNLOAD]
    if any(line.tax_class is not TaxClass.EBOOK for line in lines):
        weight = sum(line.weight_grams * line.quantity for line in lines)
        options = await list_options(connection, address, weight, totals.subtotal - totals.discount)
    if not options:
        raise NotShippedThere(f"The shop does not send this to {address.country}.")
    option = options[0] if code is None else next((each for each in options if each.code == code), None)
    if option is None:
        available = [each.code for each in options]
        message = f"It cannot be sent as {code}; send one of {', '.join(available)}."
        errors = UnknownShippingOption.about("shipping_option", message)
        raise UnknownShippingOption(message, errors=errors, available=available)
    return Quote(totals.sent_for(option.price, terms.currency), options, option, refusals)
