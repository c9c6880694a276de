"""Which rates a day has, as checkout asks for them."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.sales.models import TaxRate
from app.sales.pricing import TaxClass
from app.sales.taxes.queries import find_rates

DAY = date(2026, 7, 1)


async def test_a_fresh_shop_knows_the_book_rates_of_europe(connection: AsyncConnection) -> None:
    assert await find_rates(connection, "DE", None, DAY) == {
        TaxClass.PRINT: Decimal("0.07"),
        TaxClass.EBOOK: Decimal("0.07"),
        TaxClass.GOODS: Decimal("0.19"),
    }
    assert (await find_rates(connection, "FI", None, DAY))[TaxClass.PRINT] == Decimal("0.135")
    assert (await find_rates(connection, "GB", None, DAY))[TaxClass.PRINT] == 0


async def test_a_country_without_rates_and_a_day_before_them_have_none(connection: AsyncConnection) -> None:
    assert await find_rates(connection, "US", "CA", DAY) == {}
    assert await find_rates(connection, "DE", None, date(1999, 1, 1)) == {}


async def test_a_states_rate_goes_before_its_countrys(
    connection: AsyncConnection, session: AsyncSession
) -> None:
    session.add(rate("US", None, TaxClass.PRINT, "0.02"))
    session.add(rate("US", None, TaxClass.EBOOK, "0.03"))
    session.add(rate("US", "CA", TaxClass.PRINT, "0.0725"))
    await session.flush()
    assert await find_rates(connection, "US", "CA", DAY) == {
        TaxClass.PRINT: Decimal("0.0725"),
        TaxClass.EBOOK: Decimal("0.03"),
    }
    assert (await find_rates(connection, "US", "NY", DAY))[TaxClass.PRINT] == Decimal("0.02")
    assert (await find_rates(connection, "US", None, DAY))[TaxClass.PRINT] == Decimal("0.02")


@pytest.mark.parametrize(
    ("day", "expected"), [("2030-12-31", "0.10"), ("2031-01-01", "0.11"), ("2040-01-01", "0.11")]
)
async def test_the_last_day_of_a_rate_is_its_own(
    connection: AsyncConnection, session: AsyncSession, day: str, expected: str
) -> None:
    first = rate("US", None, TaxClass.PRINT, "0.10")
    first.valid_from, first.valid_until = date(2030, 1, 1), date(2030, 12, 31)
    then = rate("US", None, TaxClass.PRINT, "0.11")
    then.valid_from = date(2031, 1, 1)
    session.add_all([first, then])
    await session.flush()
    assert (await find_rates(connection, "US", None, date.fromisoformat(day)))[TaxClass.PRINT] == Decimal(
        expected
    )


def rate(country: str, state: str | None, tax_class: TaxClass, fraction: str) -> TaxRate:
    return TaxRate(
        country=country, state=state, tax_class=tax_class, rate=Decimal(fraction), valid_from=date(2020, 1, 1)
    )
