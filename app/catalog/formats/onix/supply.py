"""Block 6, product supply: price and stock."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from pydantic import TypeAdapter

from app.catalog.formats.numbers import plain_digits
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import partial_date_of
from app.catalog.formats.onix.parsed import Message, ParsedProduct
from app.catalog.formats.onix.parts import Part, date_in
from app.catalog.formats.texts import FieldRefused, checked
from app.catalog.goods.schemas import PriceIn, Quantity

_AMOUNT: TypeAdapter[Decimal] = TypeAdapter(PriceIn)
_QUANTITY: TypeAdapter[int] = TypeAdapter(Quantity)
_CENTS = 2
_PRICE_FIELDS = ("PriceType", "PriceAmount", "CurrencyCode")


def read_supply(blocks: Sequence[Part], parsed: ParsedProduct) -> None:
    """Read what a customer pays in the shop's currency, and the stock on hand; neither is given where it is absent.

    Availability without a number of copies says nothing about this shop's own stock: it stays raw.
    """
    details = [detail for block in blocks for detail in block.all("SupplyDetail")]
    _read_price(details, parsed)
    _read_stock(details, parsed)
    for detail in details:
        for supplier in detail.all("Supplier"):
            if supplier.peek("SupplierName") == parsed.message.sender:
                supplier.use("SupplierName")
                supplier.use_if("SupplierRole", code_lists.UNSPECIFIED_SUPPLIER)


def _read_price(details: Sequence[Part], parsed: ParsedProduct) -> None:
    offered = [
        (rank, price)
        for detail in details
        for price in detail.all("Price")
        if (rank := _rank(price, parsed.message)) is not None
    ]
    if not offered:
        for detail in details:
            detail.use("UnpricedItemType")
        return
    best = min(offered, key=lambda one: one[0])[1]
    parsed.put("price", _amount, best.peek("PriceAmount"))
    best.use(*_PRICE_FIELDS)


def _rank(price: Part, message: Message) -> int | None:
    """The place among the types of price; None for what this shop's customers do not pay today."""
    kind = price.peek("PriceType") or message.default_price_type
    currency = price.peek("CurrencyCode") or message.default_currency
    minimum = price.peek("MinimumOrderQuantity")
    is_offered = (
        kind in code_lists.PRICE_TYPES
        and currency == message.currency
        and price.peek("PriceAmount").strip("0.") != ""
        and price.peek("PriceQualifier") in code_lists.CONSUMER_PRICES
        and price.find("PriceCondition") is None
        and minimum in {"", "1"}
        and _holds_today(price, message)
    )
    return code_lists.PRICE_TYPES.index(kind) if is_offered else None


def _holds_today(price: Part, message: Message) -> bool:
    today = message.today.isoformat()
    for composite in price.all("PriceDate"):
        try:
            day = partial_date_of(*date_in(composite)) or ""
        except ValueError:
            return False
        role = composite.peek("PriceDateRole")
        if role == code_lists.PRICE_FROM and day > today:
            return False
        if role == code_lists.PRICE_UNTIL and day < today[: len(day)]:
            return False
    return True


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


def _read_stock(details: Sequence[Part], parsed: ParsedProduct) -> None:
    numbers = [part for detail in details for part in detail.leaves("Stock", "OnHand")]
    if not numbers:
        return
    # Twelve digits of each are enough to be too many.
    parsed.put(
        "quantity",
        lambda texts: checked(_QUANTITY, sum(int(plain_digits(one, "copies")[:12]) for one in texts)),
        [part.text for part in numbers],
    )
    for part in numbers:
        part.is_used = True
    for detail in details:
        if detail.find("Stock"):
            detail.use_if("ProductAvailability", code_lists.IN_STOCK, code_lists.OUT_OF_STOCK)
