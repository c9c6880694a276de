"""What is made of the sums that the database gives: buckets, shares, what follows from them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from app.admin.stats.periods import Period, added_up
from app.sales.pricing import round_money


class Spans(NamedTuple):
    """A period with its buckets: each from one bound to the next."""

    period: Period
    bounds: Sequence[datetime]

    @property
    def ends(self) -> dict[str, object]:
        """Parameters of a statement that reads all of it from one table."""
        return {"since": self.period.since, "until": self.period.until}

    def values(self, until: datetime | None) -> dict[str, object]:
        """Parameters of a statement that reads sums up to `until`, and events from then on."""
        first, last = added_up(self.period, until)
        return {**self.ends, "first": first, "last": last, "bounds": self.bounds}

    def of(self, bucket: int) -> dict[str, datetime]:
        """When the bucket begins and ends."""
        ends = [*self.bounds[1:], self.period.until]
        return {"starts_at": self.bounds[bucket], "ends_at": ends[bucket]}

    @property
    def whole(self) -> dict[str, datetime]:
        """When the period begins and ends."""
        return {"starts_at": self.period.since, "ends_at": self.period.until}


class Sales(NamedTuple):
    """What was sold and given back in one currency."""

    orders: int = 0
    items: int = 0
    gross: Decimal = Decimal(0)
    discounts: Decimal = Decimal(0)
    shipping: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    refunds: int = 0
    refunded: Decimal = Decimal(0)

    def shown(self, currency: str) -> dict[str, object]:
        """The fields of `SalesFigures`."""
        average = round_money(self.total / self.orders, currency) if self.orders else None
        return {
            **self._asdict(),
            "net": self.total - self.tax,
            "kept": self.total - self.refunded,
            "average_order_value": average,
        }


class Steps(NamedTuple):
    """How many took each step from a cart to money."""

    carts: int = 0
    orders: int = 0
    payments: int = 0
    paid: int = 0

    def shown(self) -> dict[str, object]:
        """The fields of `ConversionFigures`."""
        return {
            **self._asdict(),
            "orders_of_carts": share(self.orders, self.carts),
            "payments_of_orders": share(self.payments, self.orders),
            "paid_of_payments": share(self.paid, self.payments),
            "paid_of_carts": share(self.paid, self.carts),
        }


class Movements(NamedTuple):
    """How many pieces came and went."""

    received: int = 0
    sold: int = 0
    returned: int = 0
    change: int = 0

    def shown(self) -> dict[str, int]:
        """The fields of `MovementFigures`."""
        adjusted = self.change - self.received + self.sold - self.returned
        return {**self._asdict(), "adjusted": adjusted}


class Returns(NamedTuple):
    """What buyers sent back."""

    returns: int = 0
    rejected: int = 0
    pieces: int = 0
    received: int = 0
    damaged: int = 0

    def shown(self) -> dict[str, int]:
        """The fields of `ReturnFigures`."""
        return self._asdict()


Counts = TypeVar("Counts", Steps, Movements, Returns)


def share(part: int, whole: int) -> float | None:
    """A part of the whole, to four digits; None of nothing."""
    return round(part / whole, 4) if whole else None


def add_columns(rows: Collection[Sequence[Any]]) -> list[Any]:
    """The sums of the columns; none of no rows."""
    return [sum(column) for column in zip(*rows, strict=True)]


def summed(spans: Spans, found: Mapping[int, Counts], kind: type[Counts]) -> dict[str, object]:
    """A period's ends, its sum and its buckets, those without a row empty; `found` has the rows by bucket."""
    nothing = kind()
    return {
        **spans.whole,
        "sum": kind(*add_columns(found.values())).shown(),
        "buckets": [{**found.get(at, nothing).shown(), **spans.of(at)} for at in range(len(spans.bounds))],
    }
