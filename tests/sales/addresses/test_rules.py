"""What makes an address one: states, postal codes, names of cities, and streets that are no PO boxes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.sales.addresses.places import US_STATES, title_city
from app.sales.addresses.po_boxes import is_po_box
from app.sales.addresses.schemas import AddressIn, ShippingAddressIn

US = {
    "full_name": "Ada Lovelace",
    "street_line_1": "1 Market Street",
    "city": "San Francisco",
    "state": "CA",
    "zip_code": "94105",
}
ABROAD = {"full_name": "Ada Lovelace", "street_line_1": "Unter den Linden 1", "city": "Berlin"}


def refused(model: type[AddressIn], address: dict[str, Any]) -> dict[str, str]:
    """Field → type of the complaint."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(address)
    return {str(error["loc"][0]): error["type"] for error in caught.value.errors()}


def test_the_states_are_fifty_the_district_and_five_territories() -> None:
    assert len(US_STATES) == 56
    for code, name in US_STATES.items():
        for typed in (code, code.lower(), name, name.upper(), f" {name.lower()} "):
            assert AddressIn.model_validate({**US, "state": typed}).state == code


@pytest.mark.parametrize("state", ["ZZ", "C", "Bavaria", "AE", "AA", "AP", "FM", "California!", "", None])
def test_what_is_no_state_is_refused(state: str | None) -> None:
    assert refused(AddressIn, {**US, "state": state}).keys() == {"state"}


@pytest.mark.parametrize("zip_code", ["94105", "94105-1234", " 94105 "])
def test_a_zip_has_five_digits_or_nine(zip_code: str) -> None:
    assert AddressIn.model_validate({**US, "zip_code": zip_code}).zip_code == zip_code.strip()


@pytest.mark.parametrize(
    "zip_code",
    [
        "9410",
        "941055",
        "94105-",
        "94105-12",
        "941051234",
        "94105 1234",
        "9410A",
        "९४१०५",
        "９４１０５",
        "",
        None,
    ],
)
def test_anything_else_is_no_zip(zip_code: str | None) -> None:
    assert refused(AddressIn, {**US, "zip_code": zip_code}).keys() == {"zip_code"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("NEW YORK", "New York"),
        ("new york", "New York"),
        ("st. louis", "St. Louis"),
        ("o'fallon", "O'Fallon"),
        ("O’BRIEN", "O’Brien"),
        ("McAllen", "McAllen"),
        ("MCALLEN", "McAllen"),
        ("DeKalb", "DeKalb"),
        ("winston-salem", "Winston-Salem"),
        ("COEUR D'ALENE", "Coeur d'Alene"),
        ("land o' lakes", "Land O' Lakes"),
        ("isle of palms", "Isle of Palms"),
        ("FOND DU LAC", "Fond du Lac"),
        ("prince's town", "Prince's Town"),
        ("ŁÓDŹ", "Łódź"),
        ("東京", "東京"),
        ("Y", "Y"),
    ],
)
def test_a_city_typed_in_one_case_gets_title_case(typed: str, kept: str) -> None:
    assert title_city(typed) == kept
    assert title_city(kept) == kept


@given(st.text(min_size=1, max_size=30))
def test_a_title_stays_and_no_text_breaks_a_rule(text: str) -> None:
    assert title_city(title_city(text)) == title_city(text)
    assert is_po_box(text, text) in {True, False}
    for field in ("city", "street_line_1", "state", "zip_code", "country", "phone"):
        try:
            address = ShippingAddressIn.model_validate({**US, field: text}).to_address()
        except ValidationError:
            continue
        assert not address.is_po_box
        assert ShippingAddressIn.model_validate(address.model_dump(mode="json")).to_address() == address


BOXES = [
    "P.O. Box 12",
    "PO BOX",
    "post office box",
    "P O Box",
    "pobox 7",
    "POBOX12",
    "Post-Office-Box 9",
    "p.o.b. 12",
    "P/O Box 1",
    "P_O_Box 1",
    "P.0. Box 5",
    "PO Drawer 3",
    "post box 12",
    "Box 12",
    "P.O. 12",
    "PO#12",
    "C.P. 12",
    "Postfach",
    "POSTFACH 10 01 44",
    "ＰＯ　ＢＯＸ　９",
    "ＰＯＳＴＦＡＣＨ 1",
    "P․O․ Box 3",
    "P。O。Box 12",
    "P\N{ZERO WIDTH SPACE}O Box 1",
    "\u0420\u041e \u0412\u043e\u0445 12",
    "Boîte postale 12",
    "BP 44",
    "Postbus 123",
    "Apartado de Correos 12",
    "Caixa Postal 7",
    "Casella postale 7",
    "Skrytka pocztowa 5",
    "абонентский ящик 7",
    "私書箱 12",
    "사서함 12",
    "12 Main Street, P.O. Box 4",
]
STREETS = [
    "Boxwood Lane",
    "12 Post Office Road",
    "18 Post Office Boxwood Lane",
    "P.O. Boxwood Lane 3",
    "1 Boxer Street",
    "12 Postbox Lane",
    "Postfachweg 12",
    "Po Street 4",
    "RR 2 Box 152",
    "12 Postal Way",
    "Rue du Pô 7",
    "Casilla Street",
]


@pytest.mark.parametrize("line", BOXES)
def test_a_po_box_is_known_in_any_spelling_and_in_either_line(line: str) -> None:
    assert is_po_box(line)
    assert refused(ShippingAddressIn, {**US, "street_line_1": line}) == {"street_line_1": "po_box"}
    if line != "Box 12":  # Which a second line may say of a house.
        assert refused(ShippingAddressIn, {**US, "street_line_2": line}) == {"street_line_2": "po_box"}
    assert AddressIn.model_validate({**US, "street_line_1": line}).to_address().is_po_box


def test_two_lines_that_make_a_po_box_are_one() -> None:
    lines = {"street_line_1": "P.O.", "street_line_2": "Box 12"}
    assert refused(ShippingAddressIn, {**US, **lines}) == {"street_line_2": "po_box"}


@pytest.mark.parametrize("line", STREETS)
def test_a_street_is_none(line: str) -> None:
    assert not is_po_box(line)
    assert ShippingAddressIn.model_validate({**US, "street_line_1": line}).street_line_1 == line


def test_an_address_for_shipping_is_no_po_box_and_one_for_bills_may_be() -> None:
    box = {**US, "street_line_1": "PO Box 12"}
    assert refused(AddressIn, {**box, "address_type": "shipping"}) == {"street_line_1": "po_box"}
    assert AddressIn.model_validate({**box, "address_type": "billing"}).street_line_1 == "PO Box 12"


@pytest.mark.parametrize(
    "fields",
    [
        {"country": "de", "zip_code": "10115"},
        {"country": "DE", "zip_code": "10115", "state": "Berlin"},
        {"country": "GB", "zip_code": "ec1y 8sy"},
        {"country": "CA", "zip_code": "K1A 0B1", "state": "ontario"},
        {"country": "HK", "state": "Kowloon"},
        {"country": "IE"},
        {"country": "JP", "zip_code": "154-0023", "state": "東京都"},
        {"country": "AE", "state": "Dubai"},
    ],
)
def test_other_countries_ask_for_what_is_theirs(fields: dict[str, str]) -> None:
    address = AddressIn.model_validate({**ABROAD, **fields})
    assert address.country == fields["country"].upper()


def test_codes_are_kept_where_a_country_has_them() -> None:
    canada = AddressIn.model_validate({**ABROAD, "country": "CA", "zip_code": "k1a 0b1", "state": "Québec"})
    assert (canada.state, canada.zip_code) == ("QC", "K1A 0B1")
    japan = AddressIn.model_validate({**ABROAD, "country": "JP", "zip_code": "154-0023", "state": "Tokyo"})
    assert japan.state == "Tokyo"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"country": "DE", "zip_code": "1011"}, "zip_code"),
        ({"country": "DE", "zip_code": "१०११५"}, "zip_code"),
        ({"country": "DE"}, "zip_code"),
        ({"country": "GB", "zip_code": "EC1Y"}, "zip_code"),
        ({"country": "GB", "zip_code": "BFPO 12 and more"}, "zip_code"),
        ({"country": "CA", "zip_code": "K1A 0B1", "state": "Texas"}, "state"),
        ({"country": "CA", "zip_code": "K1A 0B1"}, "state"),
        ({"country": "ZZ", "zip_code": "1"}, "country"),
        ({"country": "XX"}, "country"),
        ({"country": "U"}, "country"),
        ({"country": "USA"}, "country"),
        ({"country": "../"}, "country"),
        ({"country": "ÅÄ"}, "country"),
    ],
)
def test_what_a_country_does_not_have_is_refused(fields: dict[str, str], field: str) -> None:
    assert refused(AddressIn, {**ABROAD, **fields}).keys() == {field}


def test_a_phone_number_may_be_of_the_country() -> None:
    assert AddressIn.model_validate({**US, "phone": "(415) 555-0123"}).phone == "+14155550123"
    assert AddressIn.model_validate({**US, "phone": "+44 20 7946 0018"}).phone == "+442079460018"
    assert refused(AddressIn, {**US, "phone": "call me"}).keys() == {"phone"}
    assert AddressIn.model_validate({**US, "phone": " "}).phone is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"full_name": "A\x00da"}, "full_name"),
        ({"street_line_1": "1\nMarket"}, "street_line_1"),
        ({"street_line_1": ""}, "street_line_1"),
        ({"street_line_1": "x" * 201}, "street_line_1"),
        ({"street_line_2": "x" * 201}, "street_line_2"),
        ({"city": "\u200b"}, "city"),
        ({"city": "x" * 101}, "city"),
        ({"state": "C\x07A"}, "state"),
        ({"zip_code": 94105}, "zip_code"),
        ({"address_type": "castle"}, "address_type"),
        ({"is_primary": "yes"}, "is_primary"),
        ({"planet": "Mars"}, "planet"),
    ],
)
def test_what_no_address_has_is_refused(fields: dict[str, Any], field: str) -> None:
    assert field in refused(AddressIn, {**US, **fields})


def test_an_order_keeps_the_address_without_an_id() -> None:
    kept = AddressIn.model_validate({**US, "street_line_2": ""}).to_address().model_dump(mode="json")
    assert kept == {
        **US,
        "street_line_2": None,
        "country": "US",
        "phone": None,
        "address_type": "home",
        "is_primary": False,
    }
