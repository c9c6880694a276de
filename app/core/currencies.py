"""Currencies (ISO 4217): how many decimals amounts of one have, and which one the shop sells in."""

from decimal import Decimal

_WITHOUT_DECIMALS = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
_WITH_THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
DECIMALS_KEPT = 2
"""Of all amounts, in the database and outside."""

_shop_currency = "EUR"


def exponent(currency: str) -> int:
    """How many decimals amounts of the currency have."""
    if currency in _WITHOUT_DECIMALS:
        return 0
    return 3 if currency in _WITH_THREE_DECIMALS else 2


def require_decimals(amount: Decimal, currency: str) -> None:
    """Check that the amount is one of the currency. Raises ValueError."""
    decimals = exponent(currency)
    if amount != round(amount, decimals):
        raise ValueError(f"must have {decimals} decimals, as amounts of {currency} have")


def set_shop_currency(currency: str) -> None:
    """Say what the shop sells in: once per process, from the settings."""
    global _shop_currency  # noqa: PLW0603 (of the process, as the shop's time zone)
    _shop_currency = currency


def shop_amount(amount: Decimal) -> Decimal:
    """The amount, which is to be one of the shop's currency. Raises ValueError."""
    require_decimals(amount, _shop_currency)
    return amount
