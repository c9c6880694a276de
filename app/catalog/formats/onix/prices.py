"""Which of a product's prices is this shop's: pure rules over what the record offers.

A condition that is not understood excludes. Of what is left, the price of the narrowest territory is taken;
then one that is dated and valid today before one without dates, the latest first; then by its type.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from app.catalog.formats.onix.territories import UNSTATED, Place, Territory

_TYPES = {
    "04": "fixed retail price with tax",
    "02": "recommended retail price with tax",
    "42": "publisher's retail price with tax",
    "03": "fixed retail price without tax",
    "01": "recommended retail price without tax",
    "41": "publisher's retail price without tax",
}
"""List 58, best first: what a customer pays."""

_WITHOUT_TAX = frozenset({"03", "01", "41"})
FIXED = frozenset({"03", "04"})
"""What publishers fix by law: no discount may be given on it."""

_MOST_NAMED = 5
"""Refused prices that a row tells of."""

WRONG_CURRENCY = "wrong-currency"
NO_PRICE = "no-price"
PRICE_TAKEN = "price-taken"


@dataclass(frozen=True, slots=True)
class Shop:
    """Against what prices are held: where the shop is, what it sells in, and its day."""

    currency: str
    today: date
    place: Place = field(default_factory=Place)


class Period(NamedTuple):
    """From and until, days that both belong to it; None where it is open."""

    first: date | None = None
    last: date | None = None

    def outside(self, today: date) -> str:
        """Say how today lies outside; "" where it lies within."""
        if self.first and today < self.first:
            return f"begins on {self.first}"
        return f"ended on {self.last}" if self.last and today > self.last else ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A price as a record offers it; `obstacle` names the first condition that was not understood."""

    kind: str
    amount: Decimal | None
    currency: str
    written: str = ""
    """The amount as it came."""

    territory: Territory | None = None
    markets: tuple[Territory, ...] = ()
    """Of the supply that the price stands in; without a territory of its own it is a price for these."""

    periods: tuple[Period, ...] = ()
    obstacle: str = ""
    tax: str = ""
    """The tax that the record states, in words."""

    def __str__(self) -> str:
        return f"{self.written or '(none)'} {self.currency}".strip()


class Choice(NamedTuple):
    """The place of the price that is taken, if any, and in words why it was this one."""

    taken: int | None
    kind: str
    """`price-taken`, `no-price` or `wrong-currency`."""

    reason: str


class _Fit(NamedTuple):
    """A price that holds here today, by what it is told from others; the least is the best."""

    is_without_tax: bool
    width: int
    is_undated: bool
    days_in_force: int
    type_rank: int
    position: int


def choose_price(offers: Sequence[Offer], shop: Shop) -> Choice:
    """Choose what a customer of this shop pays today, and say why."""
    fits: list[_Fit] = []
    refusals: list[tuple[int, str]] = []
    named = _types_that_name(offers, shop.place)
    for position, offer in enumerate(offers):
        found = _fit(position, offer, shop, is_named_elsewhere=offer.kind in named)
        if isinstance(found, str):
            refusals.append((position, found))
        else:
            fits.append(found)
    if not fits:
        is_of_another = any(why.startswith("is in") for _, why in refusals)
        why_not = _listed([f"{offers[place]} {why}" for place, why in refusals])
        return Choice(None, WRONG_CURRENCY if is_of_another else NO_PRICE, f"no price was taken: {why_not}")
    best, *others = sorted(fits)
    refusals += [(one.position, _behind(best, one)) for one in others]
    left = _listed([f"{offers[place]} {why}" for place, why in sorted(refusals)])
    taken = f"{offers[best.position]} was taken, {_merits(offers[best.position])}"
    return Choice(best.position, PRICE_TAKEN, f"{taken}; {left}" if left else taken)


def _types_that_name(offers: Sequence[Offer], place: Place) -> set[str]:
    """The types of price of which one names the place: of these, the rest of the world is elsewhere."""
    return {
        offer.kind
        for offer in offers
        if any(one.names(place) for one in ([offer.territory] if offer.territory else offer.markets))
    }


def _fit(position: int, offer: Offer, shop: Shop, *, is_named_elsewhere: bool) -> _Fit | str:
    """The merits of a price, or why it is none for this shop."""
    if refusal := _refusal(offer):
        return refusal
    width = _width(offer, shop.place, is_named_elsewhere=is_named_elsewhere)
    if width is None:
        return f"is for {_stated(offer)}{'' if shop.place.country else ' (SHOP_COUNTRY is not set)'}"
    outside = [why for period in offer.periods if (why := period.outside(shop.today))]
    if outside:
        return outside[0]
    if offer.currency != shop.currency:
        return f"is in {offer.currency or 'no currency'}, and the shop sells in {shop.currency}"
    began = max((period.first or date.min for period in offer.periods), default=date.min)
    return _Fit(
        is_without_tax=offer.kind in _WITHOUT_TAX,
        width=width,
        is_undated=not offer.periods,
        days_in_force=(shop.today - began).days,
        type_rank=list(_TYPES).index(offer.kind),
        position=position,
    )


def _refusal(offer: Offer) -> str:
    """Why a price is none for any shop's customers; "" for one that is."""
    if offer.amount is None or offer.amount <= 0:
        return "is no amount"
    if offer.kind not in _TYPES:
        return f"is of a type ({offer.kind or 'none'}) that customers do not pay"
    return f"has a condition: {offer.obstacle}" if offer.obstacle else ""


def _stated(offer: Offer) -> str:
    return str(offer.territory) if offer.territory else " or ".join(map(str, offer.markets))


def _width(offer: Offer, place: Place, *, is_named_elsewhere: bool) -> int | None:
    width: int | None = UNSTATED
    if offer.markets:
        widths = (one.width_at(place, is_named_elsewhere=is_named_elsewhere) for one in offer.markets)
        width = min((one for one in widths if one is not None), default=None)
    if width is None or offer.territory is None:
        return width
    own = offer.territory.width_at(place, is_named_elsewhere=is_named_elsewhere)
    return None if own is None else min(own, width)


def _behind(best: _Fit, other: _Fit) -> str:
    """By what another price that holds here stands behind the one that was taken."""
    if other.is_without_tax != best.is_without_tax:
        return "is without tax"
    if other.width != best.width:
        return "is for a wider territory"
    if other.is_undated != best.is_undated:
        return "has no dates"
    if other.days_in_force != best.days_in_force:
        return "is older"
    return "is of a lesser type" if other.type_rank != best.type_rank else "comes later"


def _merits(offer: Offer) -> str:
    """What the price is, in words."""
    merits = [f"a {_TYPES[offer.kind]}"]
    if offer.territory or offer.markets:
        merits.append(f"for {_stated(offer)}")
    if offer.periods:
        merits.append("valid today")
    return " ".join(merits) + (f" ({offer.tax})" if offer.tax else "")


def _listed(refusals: Sequence[str]) -> str:
    rest = len(refusals) - _MOST_NAMED
    more = [f"{rest} more do not hold here either"] if rest > 0 else []
    return ", ".join([*refusals[:_MOST_NAMED], *more])
