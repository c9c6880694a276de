"""The figures that staff see, and what each of them means."""

import datetime as dt
from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from app.admin.stats.periods import Interval
from app.core.http.schemas import ResponseModel, Timestamp
from app.identity.permissions import Role

Sum = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
"""Money of many orders: more digits than one order's."""
Share = Annotated[float, Field(ge=0)]


class DailyCount(ResponseModel):
    """How many on one day."""

    date: dt.date = Field(description="In UTC.", examples=["2026-03-01"])
    count: int = Field(examples=[12])


class PeriodOut(ResponseModel):
    """A half-open period."""

    starts_at: Timestamp = Field(examples=["2026-02-28T23:00:00Z"])
    ends_at: Timestamp = Field(
        description="The first moment that is no longer part of it.", examples=["2026-03-31T22:00:00Z"]
    )


class StatsOut(ResponseModel):
    """How a statistic was counted."""

    tz: str = Field(description="The time zone whose days these are.", examples=["Europe/Berlin"])
    interval: Interval = Field(examples=["day"])


class SalesFigures(ResponseModel):
    """What was sold and given back. An order counts when it was paid, a refund when it was made."""

    orders: int = Field(description="Orders that were paid, also those called off since.", examples=[42])
    items: int = Field(description="Pieces in them.", examples=[97])
    gross: Sum = Field(description="Their goods at the prices of the shop.", examples=[1250.5])
    discounts: Sum = Field(description="What discounts took off.", examples=[50.5])
    shipping: Sum = Field(examples=[80])
    tax: Sum = Field(description="All tax on them, contained in prices or not.", examples=[89.6])
    total: Sum = Field(description="What buyers paid, everything included.", examples=[1280])
    net: Sum = Field(description="`total` without `tax`.", examples=[1190.4])
    refunds: int = Field(description="Refunds that were made and did not fail.", examples=[2])
    refunded: Sum = Field(description="What went back by them.", examples=[30])
    kept: Sum = Field(description="`total` without `refunded`.", examples=[1250])
    average_order_value: Sum | None = Field(
        description="`total` for each of `orders`; null without any.", examples=[30.48]
    )


class SalesBucket(SalesFigures, PeriodOut):
    """The sales of a part of the period."""


class CurrencySales(ResponseModel):
    """All sales in one currency: no figure adds two of them."""

    currency: str = Field(examples=["EUR"])
    sum: SalesFigures
    buckets: list[SalesBucket] = Field(description="Each part of the period, also where nothing was sold.")


class SalesPeriod(PeriodOut):
    """The sales of a period."""

    currencies: list[CurrencySales] = Field(description="The shop's own one, and every other with sales.")


class SalesOut(StatsOut):
    """Sales."""

    current: SalesPeriod
    previous: SalesPeriod | None = Field(description="With `compare=previous`.")


class DashboardSales(ResponseModel):
    """The sales in one currency, by days of the shop."""

    currency: str = Field(examples=["EUR"])
    today: SalesFigures
    last_30_days: SalesFigures = Field(description="Today among them.")


class Dashboard(ResponseModel):
    """The shop at a glance."""

    total_users: int = Field(examples=[1250])
    active_users: int = Field(description="Open accounts.", examples=[1200])
    inactive_users: int = Field(description="Closed accounts.", examples=[50])
    users_by_role: dict[Role, int] = Field(
        description="Every role, also where nobody has it.",
        examples=[{"user": 1240, "moderator": 7, "admin": 2, "super_admin": 1}],
    )
    sign_ups_per_day: list[DailyCount] = Field(
        description="The last 30 days in UTC, oldest first, today among them; days without sign-ups too."
    )
    sales: list[DashboardSales] = Field(description="In the shop's currency, and in every other with sales.")


class AccountFigures(ResponseModel):
    """How many came."""

    sign_ups: int = Field(description="Accounts opened, also those closed since.", examples=[12])


class AccountBucket(AccountFigures, PeriodOut):
    """The accounts of a part of the period."""


class AccountPeriod(PeriodOut):
    """The accounts of a period."""

    accounts_before: int = Field(description="Opened before the period.", examples=[1238])
    sum: AccountFigures
    buckets: list[AccountBucket]


class AccountsOut(StatsOut):
    """Accounts."""

    current: AccountPeriod
    previous: AccountPeriod | None = Field(description="With `compare=previous`.")


class ConversionFigures(ResponseModel):
    """How far those came who filled a cart on the web. Each step counts when it was taken."""

    carts: int = Field(
        description="Carts that became orders; others by when they were last filled, also those of guests whose time is over.",
        examples=[400],
    )
    orders: int = Field(description="Orders placed, paid or not.", examples=[60])
    payments: int = Field(description="Orders for which a payment was begun.", examples=[55])
    paid: int = Field(description="Orders that were paid.", examples=[50])
    orders_of_carts: Share | None = Field(
        description="`orders` ÷ `carts`; null without any.", examples=[0.15]
    )
    payments_of_orders: Share | None = Field(description="`payments` ÷ `orders`.", examples=[0.9167])
    paid_of_payments: Share | None = Field(
        description="`paid` ÷ `payments`; above 1 where orders cost nothing.", examples=[0.9091]
    )
    paid_of_carts: Share | None = Field(description="`paid` ÷ `carts`.", examples=[0.125])


class ConversionBucket(ConversionFigures, PeriodOut):
    """The conversion of a part of the period."""


class ConversionPeriod(PeriodOut):
    """The conversion of a period."""

    sum: ConversionFigures
    buckets: list[ConversionBucket]


class ConversionOut(StatsOut):
    """From carts to money."""

    current: ConversionPeriod
    previous: ConversionPeriod | None = Field(description="With `compare=previous`.")
