"""Block 6, product supply: what this shop's customers pay, and what the supplier has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from pydantic import TypeAdapter

from app.catalog.formats.numbers import read_integer
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import partial_date_of
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part, date_in
from app.catalog.formats.onix.periods import period_of
from app.catalog.formats.onix.prices import FIXED, PRICE_TAKEN, Offer, choose_price
from app.catalog.formats.onix.territories import Territory, territory_of
from app.catalog.formats.texts import FieldRefused, checked
from app.catalog.goods.schemas import PriceIn, Quantity
from app.catalog.models import SupplierAvailability

_AMOUNT: TypeAdapter[Decimal] = TypeAdapter(PriceIn)
_QUANTITY: TypeAdapter[int] = TypeAdapter(Quantity)
_CENTS = 2
_SHOWN = 20
"""Characters of what is odd."""

_PRICE_FIELDS = ("PriceType", "PriceAmount", "CurrencyCode")
_CHILDREN = """
    PriceIdentifier PriceType PriceTypeDescription PriceQualifier PricePer PriceCondition MinimumOrderQuantity
    PriceStatus PriceAmount Tax TaxExempt CurrencyCode Territory PriceDate BatchBonus DiscountCoded Discount
    ComparisonProductPrice PrintedOnProduct PositionOnProduct
"""
_UNDERSTOOD = frozenset(_CHILDREN.split())
"""Of a price; whatever else it has may be a condition. Discounts and bonuses are between supplier and shop."""

_BEST_FIRST = [
    SupplierAvailability.AVAILABLE,
    SupplierAvailability.TO_ORDER,
    SupplierAvailability.REPRINTING,
    SupplierAvailability.NOT_YET,
    SupplierAvailability.OUT_OF_PRINT,
]
_AWAITED = frozenset(
    {SupplierAvailability.TO_ORDER, SupplierAvailability.REPRINTING, SupplierAvailability.NOT_YET}
)


@dataclass(frozen=True, slots=True)
class _Supply:
    """One supply detail, and the markets that it is for."""

    detail: Part
    markets: tuple[Territory, ...]
    obstacle: str


def read_supply(blocks: Sequence[Part], parsed: ParsedProduct) -> None:
    """Read what a customer pays here today and whether a supplier has the book; neither is given where it is absent.

    Stock on hand becomes the shop's only from its own export, or where the import was told so.
    """
    supplies = [one for block in blocks for one in _supplies(block)]
    _read_price(supplies, parsed)
    _read_stock(supplies, parsed)
    if not parsed.is_own:
        _read_availability(supplies, parsed)
        return
    for supply in supplies:
        for supplier in supply.detail.all("Supplier"):
            supplier.use("SupplierName")
            supplier.use_if("SupplierRole", code_lists.UNSPECIFIED_SUPPLIER)


def _supplies(block: Part) -> Iterator[_Supply]:
    markets = block.all("Market")
    territories = tuple(territory_of(one) for market in markets for one in market.all("Territory"))
    restricted = any(market.find("SalesRestriction") for market in markets)
    for detail in block.all("SupplyDetail"):
        yield _Supply(detail, territories, "a sales restriction of the market" if restricted else "")


def _read_price(supplies: Sequence[_Supply], parsed: ParsedProduct) -> None:
    prices = [(price, supply) for supply in supplies for price in supply.detail.all("Price")]
    if not prices:
        for supply in supplies:
            supply.detail.use("UnpricedItemType")
        return
    offers = [_offer(price, supply, parsed) for price, supply in prices]
    choice = choose_price(offers, parsed.message.shop)
    if choice.taken is None:
        parsed.warn("price", FieldRefused(choice.reason, choice.kind))
        return
    chosen = offers[choice.taken]
    parsed.values["price"] = chosen.amount
    parsed.values["is_price_fixed"] = chosen.kind in FIXED
    prices[choice.taken][0].use(*_PRICE_FIELDS)
    if not parsed.is_own:
        parsed.note("price", choice.reason, PRICE_TAKEN)


def _offer(price: Part, supply: _Supply, parsed: ParsedProduct) -> Offer:
    written = price.peek("PriceAmount")
    try:
        amount = _amount(written) if written else None
    except ValueError:
        amount = None
    territory = price.find("Territory")
    obstacle = supply.obstacle or _obstacle(price)
    periods = []
    for dated in price.all("PriceDate"):
        try:
            periods.append(period_of(dated.peek("PriceDateRole"), *date_in(dated)))
        except ValueError as reason:
            obstacle = obstacle or f"a date that {reason}"
    return Offer(
        kind=price.peek("PriceType")[:_SHOWN] or parsed.message.default_price_type,
        amount=amount,
        currency=price.peek("CurrencyCode")[:_SHOWN].upper() or parsed.message.default_currency,
        written=written[:_SHOWN],
        territory=territory_of(territory) if territory else None,
        markets=supply.markets,
        periods=tuple(periods),
        obstacle=obstacle,
        tax=", ".join(_tax(one) for one in price.all("Tax")),
    )


def _obstacle(price: Part) -> str:
    """The first thing that a price asks for and that is not understood, or not to be had by a customer."""
    for name, allowed in (
        ("PriceQualifier", code_lists.CONSUMER_PRICES),
        ("PricePer", code_lists.PER_COPY),
        ("PriceStatus", code_lists.PRICE_STATUSES),
    ):
        if price.peek(name) not in allowed:
            return f"{name} {price.peek(name)[:_SHOWN]}"
    if price.peek("MinimumOrderQuantity").lstrip("0") not in {"", "1"}:
        return f"a minimum of {price.peek('MinimumOrderQuantity')[:_SHOWN]} copies"
    for condition in price.all("PriceCondition"):
        if condition.peek("PriceConditionType") != code_lists.NO_CONDITIONS:
            return f"PriceCondition {condition.peek('PriceConditionType')[:_SHOWN]}"
    return next((child.name for child in price.children if child.name not in _UNDERSTOOD), "")


def _tax(tax: Part) -> str:
    rate, amount = tax.peek("TaxRatePercent")[:_SHOWN], tax.peek("TaxAmount")[:_SHOWN]
    stated = f"{rate} % tax" if rate else "tax"
    return f"{stated} of {amount}" if amount else stated


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise FieldRefused("must be a number such as 12.50", "not-a-number") from None
    _, _, places = text.partition(".")
    if len(places) > _CENTS and not places[_CENTS:].strip("0"):
        amount = amount.quantize(Decimal("0.01"))
    price: Decimal = checked(_AMOUNT, amount)
    return price


def _read_stock(supplies: Sequence[_Supply], parsed: ParsedProduct) -> None:
    stocks = [one for supply in supplies for one in supply.detail.all("Stock") if one.peek("OnHand")]
    if not stocks:
        return
    if not (parsed.is_own or parsed.message.takes_stock):
        said = " and ".join(one.peek("OnHand") for one in stocks)
        why = "is the supplier's stock, not the shop's: stock=import takes it over"
        parsed.warn("quantity", FieldRefused(why, "supplier-stock"), said)
        return
    if parsed.put("quantity", _sum_of_copies, stocks):
        for stock in stocks:
            stock.use("OnHand")
        for supply in supplies:
            if parsed.is_own and supply.detail.find("Stock"):
                supply.detail.use_if("ProductAvailability", code_lists.IN_STOCK, code_lists.OUT_OF_STOCK)


def _sum_of_copies(stocks: Sequence[Part]) -> int:
    for stock in stocks:
        if stock.peek("Proximity") not in code_lists.EXACTLY:
            copies = stock.peek("OnHand")[:_SHOWN]
            raise FieldRefused(f"is no exact number of copies ({copies})", "not-a-number")
    return checked(_QUANTITY, sum(read_integer(_QUANTITY, one.peek("OnHand")) for one in stocks))


def _read_availability(supplies: Sequence[_Supply], parsed: ParsedProduct) -> None:
    """Read the best availability among the suppliers of this shop's market."""
    place = parsed.message.shop.place
    here = [
        supply.detail
        for supply in supplies
        if not supply.markets or any(one.width_at(place) is not None for one in supply.markets)
    ]
    stated = [(code, detail) for detail in here if (code := detail.peek("ProductAvailability"))]
    if not stated:
        return
    known = [
        (code_lists.AVAILABILITIES[code], one) for code, one in stated if code in code_lists.AVAILABILITIES
    ]
    parsed.values |= {"supplier_availability": None, "supplier_expected_on": None}
    if not known:
        return
    best, detail = min(known, key=lambda one: _BEST_FIRST.index(one[0]))
    parsed.values["supplier_availability"] = best.value
    if best not in _AWAITED:
        return
    for dated in detail.all("SupplyDate"):
        if dated.peek("SupplyDateRole") == code_lists.EXPECTED:
            parsed.put("supplier_expected_on", lambda read: partial_date_of(*read), date_in(dated))
            return
    expected = min((one.text for one in detail.leaves("Stock", "OnOrderDetail", "ExpectedDate")), default="")
    if expected:
        parsed.put("supplier_expected_on", lambda text: partial_date_of(text, code_lists.DAY), expected)
