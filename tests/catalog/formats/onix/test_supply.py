"""Which price and which stock of a product count."""

from decimal import Decimal
from pathlib import Path

import pytest
import time_machine

from tests.catalog.formats.onix.messages import message, only_record, price, product, records_of, supply


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "message.xml"


def _dated(role: str, day: str) -> str:
    return f"<PriceDate><PriceDateRole>{role}</PriceDateRole><Date>{day}</Date></PriceDate>"


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([price("9.00", "01"), price("9.99", "02")], "9.99"),
        ([price("9.99", "02"), price("11.00", "04")], "11.00"),
        ([price("9.00", "01")], "9.00"),
        ([price("9.9900")], "9.99"),
        ([price("12")], "12"),
        ([price("8.00", "02", "GBP")], None),
        ([price("5.00", "05")], None),
        ([price("7.00", more="<PriceQualifier>06</PriceQualifier>"), price("9.99", "01")], "9.99"),
        ([price("7.00", more="<MinimumOrderQuantity>10</MinimumOrderQuantity>")], None),
        ([price("0.00")], None),
        (["<UnpricedItemType>02</UnpricedItemType>"], None),
    ],
)
def test_the_price_is_what_a_customer_of_this_shop_pays(
    file: Path, prices: list[str], expected: str | None
) -> None:
    record = only_record(file, supply("".join(prices)))
    assert record.problems == []
    assert record.values.get("price") == (None if expected is None else Decimal(expected))
    assert ("price" in record.values) == (expected is not None)


@time_machine.travel("2026-06-15T12:00:00Z", tick=False)
def test_prices_of_other_days_do_not_count(file: Path) -> None:
    offered = [
        f"<Price><PriceType>02</PriceType><PriceAmount>{amount}</PriceAmount><CurrencyCode>EUR</CurrencyCode>{dates}</Price>"
        for amount, dates in [
            ("5.00", _dated("14", "20260701")),
            ("6.00", _dated("15", "20260614")),
            ("7.00", _dated("14", "20260615") + _dated("15", "20260615")),
        ]
    ]
    assert only_record(file, supply("".join(offered))).values["price"] == Decimal("7.00")


@pytest.mark.parametrize("amount", ["9.999", "12,50", "free", "-1.00"])
def test_amounts_that_no_price_can_have_are_problems(file: Path, amount: str) -> None:
    record = only_record(file, supply(price(amount)))
    assert [problem.field for problem in record.problems] == ["price"]


def test_the_header_states_currency_and_type_for_prices_that_do_not(file: Path) -> None:
    header = "<DefaultPriceType>02</DefaultPriceType><DefaultCurrencyCode>EUR</DefaultCurrencyCode>"
    stated = product(supply(price("9.99", "", "")))
    (record,) = records_of(file, message(stated, header=header))
    assert record.values["price"] == Decimal("9.99")
    (silent,) = records_of(file, message(stated))
    assert "price" not in silent.values


def test_stock_on_hand_is_added_up_and_availability_alone_says_no_number(file: Path) -> None:
    counted = (
        "<Stock><LocationName>A</LocationName><OnHand>5</OnHand></Stock><Stock><OnHand>7</OnHand></Stock>"
    )
    assert only_record(file, supply(counted)).values["quantity"] == 12

    record = only_record(file, supply("<ProductAvailability>31</ProductAvailability>"))
    assert "quantity" not in record.values
    assert "<ProductAvailability" in record.raw["unmapped"]


@pytest.mark.parametrize("number", ["-3", "1.5", "many", "9999999"])
def test_stock_that_is_no_number_of_copies_is_a_problem(file: Path, number: str) -> None:
    record = only_record(file, supply(f"<Stock><OnHand>{number}</OnHand></Stock>"))
    assert [problem.field for problem in record.problems] == ["quantity"]
