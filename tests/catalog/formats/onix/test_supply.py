"""Whose stock counts, and what is kept of the supplier's."""

from pathlib import Path
from typing import Any

import pytest

from tests.catalog.formats.onix.messages import (
    SENDER,
    dated,
    message,
    only_record,
    product,
    records_of,
    supply,
    territory,
)

COUNTED = (
    "<Stock><LocationName>A</LocationName><OnHand>0005</OnHand></Stock><Stock><OnHand>7</OnHand></Stock>"
)
OWN = {"own_name": SENDER}


def test_a_suppliers_stock_is_not_the_shops(file: Path) -> None:
    record = only_record(file, supply(COUNTED))
    assert "quantity" not in record.values
    assert [(one.field, one.type) for one in record.warnings] == [("quantity", "supplier-stock")]
    assert "0005 and 7" in record.warnings[0].message
    assert "<OnHand" in record.raw["unmapped"]


def test_it_is_taken_over_where_the_import_is_told_so(file: Path) -> None:
    record = only_record(file, supply(COUNTED), shop={"takes_stock": True})
    assert (record.values["quantity"], record.warnings) == (12, [])


@pytest.mark.parametrize(
    ("shop", "reference", "is_own"),
    [
        (OWN, f"{SENDER}.42", True),
        (OWN, "distributor.42", False),
        ({"own_name": "shop.example.com"}, "shop.example.com.42", False),
        ({}, f"{SENDER}.42", False),
        ({"own_name": ""}, ".42", False),
    ],
    ids=["own", "another's record", "another sender", "unknown shop", "nameless shop"],
)
def test_the_shops_own_export_is_known_by_sender_and_reference(
    file: Path, shop: dict[str, Any], reference: str, is_own: bool
) -> None:
    record = only_record(file, supply(COUNTED), reference=reference, shop=shop)
    assert record.values.get("quantity") == (12 if is_own else None)


@pytest.mark.parametrize("number", ["-3", "1.5", "many", "9999999", "9" * 5000])
def test_stock_that_is_no_number_of_copies_warns_and_stays_raw(file: Path, number: str) -> None:
    stated = supply(f"<Stock><OnHand>{number}</OnHand></Stock>")
    record = only_record(file, stated, shop={"takes_stock": True})
    assert (record.problems, "quantity" in record.values) == ([], False)
    assert [one.field for one in record.warnings] == ["quantity"]
    assert number in record.raw["unmapped"]


def test_about_so_many_is_no_number_of_copies(file: Path) -> None:
    stated = supply("<Stock><OnHand>100</OnHand><Proximity>05</Proximity></Stock>")
    record = only_record(file, stated, shop={"takes_stock": True})
    assert "quantity" not in record.values
    exact = supply("<Stock><OnHand>100</OnHand><Proximity>03</Proximity></Stock>")
    assert only_record(file, exact, shop={"takes_stock": True}).values["quantity"] == 100


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("20", "available"),
        ("21", "available"),
        ("22", "to_order"),
        ("23", "to_order"),
        ("31", "reprinting"),
        ("32", "reprinting"),
        ("33", "reprinting"),
        ("10", "not_yet"),
        ("12", "not_yet"),
        ("01", "out_of_print"),
        ("40", "out_of_print"),
        ("43", "out_of_print"),
        ("51", "out_of_print"),
        ("99", None),
        ("77", None),
    ],
)
def test_availability_is_kept_beside_the_book_and_says_no_number(
    file: Path, code: str, expected: str | None
) -> None:
    record = only_record(file, supply(f"<ProductAvailability>{code}</ProductAvailability>"))
    assert record.values["supplier_availability"] == expected
    assert "quantity" not in record.values
    assert f"<ProductAvailability>{code}" in record.raw["unmapped"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [("10", "2027-03"), ("32", "2027-03"), ("22", "2027-03"), ("21", None), ("51", None)],
)
def test_what_is_awaited_has_its_expected_date(file: Path, code: str, expected: str | None) -> None:
    awaited = dated("SupplyDate", "02", "20260101") + dated("SupplyDate", "08", "202703", "01")
    record = only_record(file, supply(f"<ProductAvailability>{code}</ProductAvailability>{awaited}"))
    assert record.values["supplier_expected_on"] == expected


def test_copies_on_order_say_when_they_are_expected(file: Path) -> None:
    on_order = "<OnOrderDetail><OnOrder>50</OnOrder><ExpectedDate>20270401</ExpectedDate></OnOrderDetail>"
    stock = f"<ProductAvailability>32</ProductAvailability><Stock><OnHand>0</OnHand>{on_order}</Stock>"
    assert only_record(file, supply(stock)).values["supplier_expected_on"] == "2027-04-01"


def test_an_expected_date_that_is_none_warns(file: Path) -> None:
    awaited = dated("SupplyDate", "08", "Frühling")
    record = only_record(file, supply(f"<ProductAvailability>10</ProductAvailability>{awaited}"))
    assert record.values["supplier_availability"] == "not_yet"
    assert [one.field for one in record.warnings] == ["supplier_expected_on"]


def test_the_best_supplier_of_this_market_counts(file: Path) -> None:
    def of_market(country: str, code: str) -> str:
        market = f"<Market>{territory(countries=country)}</Market>" if country else ""
        detail = f"<SupplyDetail><ProductAvailability>{code}</ProductAvailability></SupplyDetail>"
        return f"<ProductSupply>{market}{detail}</ProductSupply>"

    blocks = of_market("US", "21") + of_market("DE", "32") + of_market("AT DE", "22") + of_market("", "51")
    assert only_record(file, blocks).values["supplier_availability"] == "to_order"
    assert "supplier_availability" not in only_record(file, of_market("US", "21")).values


def test_an_export_of_this_shop_says_nothing_of_suppliers(file: Path) -> None:
    stated = supply("<ProductAvailability>21</ProductAvailability><Stock><OnHand>4</OnHand></Stock>")
    (record,) = records_of(file, message(product(stated, reference=f"{SENDER}.1")), **OWN)
    assert record.values["quantity"] == 4
    assert "supplier_availability" not in record.values
