"""What lines cost: discounts, tax and shipping, in decimals, without any I/O.

Every amount is rounded half up, once, to what its currency has; whatever is spread over lines adds up to what was
spread. Nothing here depends on the order in which lines or rules come.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from app.core.currencies import exponent

_ZERO = Decimal(0)


class TaxClass(StrEnum):
    """What is taxed alike: printed books, electronic ones (audiobooks too), and all other goods."""

    PRINT = "print"
    EBOOK = "ebook"
    GOODS = "goods"


class DiscountType(StrEnum):
    """What the value of a discount means: percent of the goods, or an amount."""

    PERCENTAGE = "percentage"
    FIXED = "fixed"


class Line(NamedTuple):
    """So many of an item at a price, with what rules and rates look at."""

    item_id: int
    quantity: int
    unit_price: Decimal
    tax_class: TaxClass
    is_price_fixed: bool
    category_ids: frozenset[int]
    author_ids: frozenset[int]
    weight_grams: int


@dataclass(frozen=True, slots=True)
class DiscountRule:
    """A discount and what it is for; one that names no items, categories and authors is for everything.

    Rules apply in the order of their priority, the highest first, each to what those before it left.
    """

    id: int
    name: str
    code: str | None
    discount_type: DiscountType
    value: Decimal
    min_order: Decimal = _ZERO
    max_discount: Decimal | None = None
    is_exclusive: bool = False
    priority: int = 0
    item_ids: frozenset[int] = frozenset()
    category_ids: frozenset[int] = frozenset()
    author_ids: frozenset[int] = frozenset()

    def covers(self, line: Line) -> bool:
        """Whether the rule is for this item, be its price fixed or not."""
        if not (self.item_ids or self.category_ids or self.author_ids):
            return True
        return (
            line.item_id in self.item_ids
            or not self.category_ids.isdisjoint(line.category_ids)
            or not self.author_ids.isdisjoint(line.author_ids)
        )


class PricedLine(NamedTuple):
    """A line with its total before the discount, its share of that, and its tax."""

    line: Line
    line_total: Decimal
    discount: Decimal
    tax_rate: Decimal
    tax: Decimal


class AppliedDiscount(NamedTuple):
    """What a rule took off."""

    rule_id: int
    code: str | None
    name: str
    amount: Decimal


class Totals(NamedTuple):
    """What an order costs, and why."""

    lines: tuple[PricedLine, ...]
    applied: tuple[AppliedDiscount, ...]
    explain: tuple[str, ...]
    subtotal: Decimal
    discount: Decimal
    tax: Decimal
    shipping: Decimal
    total: Decimal

    def sent_for(self, shipping: Decimal, currency: str = "EUR") -> "Totals":
        """The same, with this price of sending it, which is added as it is."""
        shipping = round_money(shipping, currency)
        return self._replace(shipping=shipping, total=self.total - self.shipping + shipping)


class _Offer(NamedTuple):
    """What rules that go together take off, off each line, and why some take off less or nothing."""

    shares: Sequence[Decimal]
    applied: Sequence[AppliedDiscount]
    notes: Sequence[str]

    @property
    def amount(self) -> Decimal:
        return sum(self.shares, _ZERO)


def round_money(amount: Decimal, currency: str = "EUR") -> Decimal:
    """Round half up to what the currency has."""
    return amount.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_UP)


def minor_units(amount: Decimal, currency: str = "EUR") -> int:
    """Count the amount in the currency's smallest unit, such as cents; it must come out even."""
    units = amount.scaleb(exponent(currency))
    if units != units.to_integral_value():
        raise ValueError(f"{amount} is no amount of {currency}")
    return int(units)


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str = "EUR") -> list[Decimal]:
    """Spread an amount in proportion to the weights, by largest remainder: the shares add up to it.

    Of equal remainders the first gets more. No share exceeds its weight unless the amount exceeds their sum.
    """
    parts = [minor_units(weight, currency) for weight in weights]
    whole = sum(parts)
    if not whole:
        return [round_money(_ZERO, currency)] * len(parts)
    units = minor_units(amount, currency)
    shares = [units * part // whole for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda index: -(units * parts[index] % whole))
    for index in by_remainder[: units - sum(shares)]:
        shares[index] += 1
    return [Decimal(share).scaleb(-exponent(currency)) for share in shares]


def discounted(
    amount: Decimal,
    discount_type: DiscountType,
    value: Decimal,
    max_discount: Decimal | None = None,
    currency: str = "EUR",
) -> Decimal:
    """Take off `value` percent or a fixed `value`, at most `max_discount`; what is left, never below 0."""
    off = amount * value / 100 if discount_type is DiscountType.PERCENTAGE else value
    if max_discount is not None:
        off = min(off, max_discount)
    return round_money(amount, currency) - round_money(min(off, amount), currency)


def price(
    lines: Sequence[Line],
    *,
    rules: Sequence[DiscountRule] = (),
    rates: Mapping[TaxClass, Decimal] = MappingProxyType({}),
    is_gross: bool = False,
    shipping: Decimal = _ZERO,
    currency: str = "EUR",
) -> Totals:
    """Price the lines, in their order.

    `rates` are fractions (0.08); a class without one is not taxed. Where prices are gross they contain the tax.
    """
    line_totals = [round_money(line.unit_price * line.quantity, currency) for line in lines]
    offer, explain = _best_offer(lines, line_totals, rules, currency)
    priced = []
    for line, line_total, share in zip(lines, line_totals, offer.shares, strict=True):
        rate = rates.get(line.tax_class, _ZERO)
        tax = (line_total - share) * rate / (1 + rate if is_gross else 1)
        priced.append(PricedLine(line, line_total, share, rate, round_money(tax, currency)))
    zero = round_money(_ZERO, currency)
    subtotal, discount = sum(line_totals, zero), sum(offer.shares, zero)
    tax_total = sum((line.tax for line in priced), zero)
    totals = Totals(
        lines=tuple(priced),
        applied=tuple(offer.applied),
        explain=tuple(explain),
        subtotal=subtotal,
        discount=discount,
        tax=tax_total,
        shipping=zero,
        total=subtotal - discount + (_ZERO if is_gross else tax_total),
    )
    return totals.sent_for(shipping, currency)


def _best_offer(
    lines: Sequence[Line], line_totals: Sequence[Decimal], rules: Sequence[DiscountRule], currency: str
) -> tuple[_Offer, list[str]]:
    """Choose between the rules that go together and each exclusive one alone: what saves the most, and why."""
    ordered = sorted(rules, key=lambda rule: (-rule.priority, rule.id))
    together = [rule for rule in ordered if not rule.is_exclusive]
    groups = [together, *([rule] for rule in ordered if rule.is_exclusive)]
    offers = [_apply(lines, line_totals, group, currency) for group in groups]
    # Of equals the first wins.
    best = max(offers, key=lambda offer: offer.amount)
    explain = [f"{one.name}: {one.amount} off." for one in best.applied]
    for offer in offers:
        if offer is not best:
            explain.extend(
                f"{one.name}: not applied, it does not go with what is and saves no more."
                for one in offer.applied
            )
        explain.extend(offer.notes)
    return best, explain


def _apply(
    lines: Sequence[Line], line_totals: Sequence[Decimal], rules: Iterable[DiscountRule], currency: str
) -> _Offer:
    """Apply the rules, each to what those before it left."""
    # In an order of their own, so that an odd cent falls on the same line however the lines come.
    order = sorted(range(len(lines)), key=lambda index: lines[index][:4])
    subtotal = sum(line_totals, _ZERO)
    left = list(line_totals)
    applied: list[AppliedDiscount] = []
    notes: list[str] = []
    for rule in rules:
        covered = [index for index in order if rule.covers(lines[index])]
        free = [index for index in covered if not lines[index].is_price_fixed]
        base = sum((left[index] for index in free), _ZERO)
        rest = discounted(base, rule.discount_type, rule.value, rule.max_discount, currency)
        if subtotal < rule.min_order:
            notes.append(f"{rule.name}: not applied, the order must come to {rule.min_order}.")
        elif not covered:
            notes.append(f"{rule.name}: not applied, it is for none of these items.")
        elif len(free) < len(covered):
            notes.append(
                f"{rule.name}: not for {len(covered) - len(free)} of the lines, whose price is fixed."
            )
        elif rest == base:
            notes.append(f"{rule.name}: not applied, nothing is left to take off.")
        if subtotal < rule.min_order or rest == base:
            continue
        weights = [left[index] for index in free]
        for index, share in zip(free, spread(base - rest, weights, currency), strict=True):
            left[index] -= share
        applied.append(AppliedDiscount(rule.id, rule.code, rule.name, base - rest))
    shares = [total - rest for total, rest in zip(line_totals, left, strict=True)]
    return _Offer(shares, applied, notes)
