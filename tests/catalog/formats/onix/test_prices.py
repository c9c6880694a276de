"""Which price of a product counts, and why."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.core.clock import set_shop_zone
from tests.catalog.formats.onix.messages import (
    SENDER,
    dated,
    message,
    only_record,
    price,
    product,
    records_of,
    shortened,
    supply,
    territory,
)


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel("2026-06-15T12:00:00Z", tick=False):
        yield


def for_(where: str, amount: str, kind: str = "04", currency: str = "EUR") -> str:
    """A price for a territory, or with whatever else follows its currency."""
    return price(amount, kind, currency, after=where)


DE, AT_DE = territory(countries="DE"), territory(countries="AT DE")
WORLD, REST = territory(regions="WORLD"), territory(regions="ROW")


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([price("9.00", "01"), price("9.99", "02")], "9.99"),
        ([price("9.99", "02"), price("11.00", "04")], "11.00"),
        ([price("9.00", "01")], "9.00"),
        ([price("9.9900")], "9.99"),
        ([price("12")], "12"),
        ([price("8.00", "02", "GBP")], None),
        ([price("8.00", "02", "GBP"), price("9.00", "02")], "9.00"),
        ([price("5.00", "05")], None),
        ([price("5.00", "24")], None),
        ([price("7.00", more="<PriceQualifier>06</PriceQualifier>"), price("9.99", "01")], "9.99"),
        ([price("7.00", more="<PriceQualifier>05</PriceQualifier>")], "7.00"),
        ([price("7.00", more="<PricePer>01</PricePer>")], None),
        ([price("7.00", more="<MinimumOrderQuantity>10</MinimumOrderQuantity>")], None),
        ([price("7.00", more="<MinimumOrderQuantity>01</MinimumOrderQuantity>")], "7.00"),
        (
            [
                price(
                    "7.00",
                    more="<PriceCondition><PriceConditionType>99</PriceConditionType></PriceCondition>",
                )
            ],
            None,
        ),
        (
            [
                price(
                    "7.00",
                    more="<PriceCondition><PriceConditionType>00</PriceConditionType></PriceCondition>",
                )
            ],
            "7.00",
        ),
        ([price("7.00", more="<PriceConstraint/>")], None),
        ([price("7.00", more="<NewElement>1</NewElement>")], None),
        ([price("7.00", more="<PriceStatus>01</PriceStatus>")], "7.00"),
        ([price("7.00", more="<PriceStatus>09</PriceStatus>")], None),
        (
            [price("7.00", more="<DiscountCoded><DiscountCodeType>02</DiscountCodeType></DiscountCoded>")],
            "7.00",
        ),
        ([price("7.00", more="<BatchBonus><BatchQuantity>10</BatchQuantity></BatchBonus>")], "7.00"),
        ([price("0.00")], None),
        (["<Price><PriceType>04</PriceType><UnpricedItemType>01</UnpricedItemType></Price>"], None),
        (["<UnpricedItemType>02</UnpricedItemType>"], None),
        ([price("9.999")], None),
        ([price("12,50")], None),
        ([price("free"), price("3.00")], "3.00"),
        ([price("-1.00")], None),
        ([price("NaN")], None),
        ([price("1E3")], "1E+3"),
    ],
)
def test_the_price_is_what_a_customer_pays(file: Path, prices: list[str], expected: str | None) -> None:
    record = only_record(file, supply("".join(prices)))
    assert record.problems == []
    assert record.values.get("price") == (None if expected is None else Decimal(expected))
    assert ("price" in record.values) == (expected is not None)


@pytest.mark.parametrize(
    ("prices", "shop", "expected"),
    [
        ([for_(territory(countries="AT"), "10.30"), for_(DE, "9.99")], {}, "9.99"),
        ([for_(territory(countries="AT"), "10.30"), for_(DE, "9.99")], {"country": "AT"}, "10.30"),
        ([for_(territory(countries="AT"), "10.30"), for_(DE, "9.99")], {"country": "CH"}, None),
        ([for_(territory(countries="AT"), "10.30"), for_(DE, "9.99")], {"country": ""}, None),
        (
            [for_(territory(regions="WORLD", without_countries="AT DE"), "14"), for_(AT_DE, "9.99")],
            {},
            "9.99",
        ),
        (
            [for_(territory(regions="WORLD", without_countries="AT DE"), "14"), for_(AT_DE, "9.99")],
            {"country": "FR"},
            "14",
        ),
        ([for_(territory(regions="WORLD", without_countries="AT DE"), "14")], {"country": ""}, None),
        ([for_("", "12"), for_(WORLD, "11"), for_(AT_DE, "10"), for_(DE, "9")], {}, "9"),
        ([for_("", "12"), for_(WORLD, "11"), for_(AT_DE, "10")], {}, "10"),
        ([for_("", "12"), for_(WORLD, "11")], {}, "11"),
        ([for_("", "12"), for_(WORLD, "11")], {"country": ""}, "11"),
        ([for_(REST, "14"), for_(DE, "9")], {"country": "FR"}, "14"),
        ([for_(REST, "14"), for_(DE, "9", currency="CHF")], {}, None),
        ([for_(REST, "14"), for_(DE, "9", "05")], {}, "14"),
        ([for_(REST, "14")], {"country": ""}, None),
        ([for_(territory(regions="ECZ"), "8"), for_(WORLD, "9")], {}, "8"),
        ([for_(territory(regions="ECZ"), "8"), for_(WORLD, "9")], {"country": "CH"}, "9"),
        ([for_(territory(regions="DE-BY"), "7"), for_(DE, "9")], {"region": "DE-BY"}, "7"),
        ([for_(territory(regions="DE-BY"), "7"), for_(DE, "9")], {"region": "DE-BE"}, "9"),
        ([for_(territory(regions="DE-BY"), "7"), for_(DE, "9")], {}, "9"),
        ([for_(territory(countries="DE", without_regions="DE-BY"), "7")], {}, None),
        ([for_(territory(countries="DE", without_regions="DE-BY"), "7")], {"region": "DE-BY"}, None),
        ([for_(territory(countries="DE", without_regions="DE-BY"), "7")], {"region": "DE-BE"}, "7"),
        ([for_(territory(countries="DE", without_regions="AT-9"), "7")], {}, "7"),
        ([for_(territory(regions="WORLD", without_regions="ECZ"), "7")], {}, None),
        ([for_(territory(regions="WORLD", without_regions="NOWHERE"), "7")], {}, None),
        ([for_(territory(countries="GB", without_regions="GB-AIR"), "7")], {"country": "GB"}, "7"),
        ([for_(territory(regions="GB-EWS"), "7")], {"country": "GB", "region": "GB-SCT"}, "7"),
        ([for_(territory(regions="XX"), "7")], {}, None),
        ([for_(territory(countries="de, at"), "7")], {}, "7"),
        ([for_(territory(countries="WORLD", without_regions="DE"), "7"), for_("", "8")], {}, "8"),
        ([for_(territory(regions="AT DE"), "7"), for_(WORLD, "8")], {}, "7"),
        ([for_("<CurrencyZone>EUR</CurrencyZone>", "7")], {}, None),
        ([for_("<Territory/>", "7")], {}, None),
    ],
)
def test_the_narrowest_territory_that_holds_the_shop_is_taken(
    file: Path, prices: list[str], shop: dict[str, str], expected: str | None
) -> None:
    record = only_record(file, supply("".join(prices)), shop=shop)
    assert record.values.get("price") == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("offered", "expected"),
    [
        ([("5", dated("PriceDate", "14", "20260701")), ("9", "")], "9"),
        ([("6", dated("PriceDate", "15", "20260614")), ("9", "")], "9"),
        (
            [("9", ""), ("7", dated("PriceDate", "14", "20260615") + dated("PriceDate", "15", "20260615"))],
            "7",
        ),
        ([("9", ""), ("7", dated("PriceDate", "24", "2026061520260615", "06"))], "7"),
        ([("9", ""), ("7", dated("PriceDate", "24", "2026062020260630", "06"))], "9"),
        ([("9", ""), ("7", dated("PriceDate", "24", "20260615"))], "9"),
        ([("7", dated("PriceDate", "15", "202606", "01"))], "7"),
        ([("7", dated("PriceDate", "14", "2026-06-16"))], None),
        ([("7", dated("PriceDate", "14", "20260615T2300+0200", "13"))], "7"),
        ([("7", dated("PriceDate", "01", "20200101"))], None),
        ([("7", dated("PriceDate", "14", "someday"))], None),
        ([("7", dated("PriceDate", "14", "20250101")), ("8", dated("PriceDate", "14", "20260101"))], "8"),
    ],
)
def test_dates_decide_and_dated_prices_go_before_undated(
    file: Path, offered: list[tuple[str, str]], expected: str | None
) -> None:
    record = only_record(file, supply("".join(for_(dates, amount) for amount, dates in offered)))
    assert record.values.get("price") == (None if expected is None else Decimal(expected))


def test_the_day_is_the_shops(file: Path) -> None:
    tomorrow = supply(for_(dated("PriceDate", "14", "20260616"), "7"))
    assert "price" not in only_record(file, tomorrow).values
    set_shop_zone(ZoneInfo("Pacific/Kiritimati"))
    try:
        assert only_record(file, tomorrow).values["price"] == Decimal(7)
    finally:
        set_shop_zone(None)


def test_the_territory_decides_before_the_dates(file: Path) -> None:
    world_today = for_(WORLD + dated("PriceDate", "14", "20260101"), "7")
    assert only_record(file, supply(world_today + for_(DE, "9"))).values["price"] == Decimal(9)


@pytest.mark.parametrize(("kind", "is_fixed"), [("04", True), ("03", True), ("02", False), ("01", False)])
def test_fixed_prices_are_known_as_such(file: Path, kind: str, is_fixed: bool) -> None:
    assert only_record(file, supply(price("9.00", kind))).values["is_price_fixed"] is is_fixed


def of_market(where: str, *prices: str) -> str:
    return f"<ProductSupply><Market>{where}</Market><SupplyDetail>{''.join(prices)}</SupplyDetail></ProductSupply>"


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([of_market(territory(countries="AT"), price("10")), of_market(DE, price("9"))], "9"),
        ([of_market(territory(countries="AT"), price("10"))], None),
        ([of_market(territory(countries="AT"), for_(DE, "10"))], None),
        ([of_market(WORLD, price("10")), of_market(DE, price("9"))], "9"),
        ([of_market(REST, price("10", "02")), of_market(DE, price("9", "02", "CHF"))], None),
        ([of_market(DE + "<SalesRestriction/>", price("10"))], None),
    ],
)
def test_prices_without_a_territory_are_for_the_market_that_they_stand_in(
    file: Path, blocks: list[str], expected: str | None
) -> None:
    record = only_record(file, *blocks)
    assert record.values.get("price") == (None if expected is None else Decimal(expected))


def test_a_row_says_which_price_was_taken_and_why(file: Path) -> None:
    tax = "<Tax><TaxType>01</TaxType><TaxRatePercent>7</TaxRatePercent><TaxAmount>0.65</TaxAmount></Tax>"
    prices = [
        for_(territory(countries="AT"), "10.30"),
        price("9.99", "04", after=DE, taxes=tax),
        for_(WORLD, "14.00", "02"),
        price("8.99", "02", "GBP"),
    ]
    record = only_record(file, supply("".join(prices)))
    (note,) = record.notes
    assert (note.field, note.type) == ("price", "price-taken")
    assert note.message == (
        "9.99 EUR was taken, a fixed retail price with tax for DE (7 % tax of 0.65); "
        "10.30 EUR is for AT, 14.00 EUR is for a wider territory, "
        "8.99 GBP is in GBP, and the shop sells in EUR"
    )
    assert record.warnings == []
    assert "<TaxRatePercent" in record.raw["unmapped"]


def test_a_price_in_another_currency_is_reported(file: Path) -> None:
    record = only_record(file, supply(price("8.99", "02", "GBP")))
    (warning,) = record.warnings
    assert (warning.field, warning.type) == ("price", "wrong-currency")
    assert "8.99 GBP" in warning.message
    assert record.notes == []


def test_a_shop_that_does_not_say_where_it_is_is_told_so(file: Path) -> None:
    record = only_record(file, supply(for_(DE, "9.99")), shop={"country": ""})
    (warning,) = record.warnings
    assert (warning.type, "SHOP_COUNTRY is not set" in warning.message) == ("no-price", True)


def test_a_thousand_prices_are_weighed_at_once_and_a_few_are_told_of(file: Path) -> None:
    prices = [for_(REST, f"{number}.00") for number in range(1, 1001)]
    record = only_record(file, supply("".join([*prices, for_(DE, "9")])))
    assert record.values["price"] == Decimal(9)
    assert "995 more" in record.notes[0].message


def test_what_is_endless_is_cut_short_in_the_reason(file: Path) -> None:
    everywhere = " ".join(f"{first}{second}" for first in "ABC" for second in "ABFGILMNORSTUWXZ")
    prices = [
        for_(territory(countries=everywhere), "9"),
        price("9" * 3_000),
        price("9", more=f"<PriceQualifier>{'0' * 3_000}</PriceQualifier>"),
        price("9", "04", "E" * 3_000),
    ]
    record = only_record(file, supply("".join(prices)))
    assert len(record.warnings[0].message) < 400


def test_a_wide_price_in_a_narrow_market_is_as_narrow_as_that(file: Path) -> None:
    blocks = of_market(DE, for_(WORLD, "9")) + of_market(AT_DE, price("8", "04"))
    assert only_record(file, blocks).values["price"] == Decimal(9)


def test_the_header_states_currency_and_type_for_prices_that_do_not(file: Path) -> None:
    header = "<DefaultPriceType>02</DefaultPriceType><DefaultCurrencyCode>EUR</DefaultCurrencyCode>"
    stated = product(supply(price("9.99", "", "")))
    (record,) = records_of(file, message(stated, header=header))
    assert record.values["price"] == Decimal("9.99")
    (silent,) = records_of(file, message(stated))
    assert "price" not in silent.values


def test_short_tags_say_the_same(file: Path) -> None:
    where = territory(regions="WORLD", without_countries="AT DE")
    taxed = price("9.99", "04", after=AT_DE, taxes="<Tax><TaxRatePercent>7</TaxRatePercent></Tax>")
    stated = shortened(message(product(supply(for_(where, "14.00") + taxed))))
    assert "<x451>AT DE</x451>" in stated
    (record,) = records_of(file, stated)
    assert record.values["price"] == Decimal("9.99")
    assert "7 % tax" in record.notes[0].message


def test_an_export_of_this_shop_needs_no_reasons(file: Path) -> None:
    stated = message(product(supply(price("9.99", "04")), reference=f"{SENDER}.1"))
    (record,) = records_of(file, stated, own_name=SENDER)
    assert (record.values["price"], record.values["is_price_fixed"]) == (Decimal("9.99"), True)
    assert record.notes == []
