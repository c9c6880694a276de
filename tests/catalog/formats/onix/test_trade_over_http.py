"""What distributors send, over HTTP: prices of other countries, stock that is not ours, volumes, odd fields; and back."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from app.identity.permissions import Role
from devstack import Servers
from tests.catalog.formats.onix.messages import HOBBIT as HOBBIT_PRODUCT
from tests.catalog.formats.onix.messages import (
    SENDER,
    collateral,
    descriptive,
    message,
    price,
    product,
    shortened,
    supply,
    territory,
)
from tests.catalog.formats.onix.structure import structure_faults
from tests.catalog.formats.onix.trade import UPDATE, VOLUME, VOLUME_ISBN, VOLUME_SHOWN, feed
from tests.catalog.imports.conftest import Importer, make_importer
from tests.conftest import client_of, make_account, running_app, settings_for

CASES = Path(__file__).parent / "cases"
HOBBIT = "9780261102217"


@pytest.fixture
async def importer(servers: Servers, empty_database_url: str) -> AsyncIterator[Importer]:
    """Staff of a shop in Germany."""
    settings = settings_for(servers, empty_database_url, shop_country="DE")
    async with running_app(settings) as app, client_of(app) as client:
        async with app.state.database.sessions.begin() as session:
            staff = await make_account(app, session, Role.MODERATOR)
        yield make_importer(app, client, staff)


def case(name: str) -> bytes:
    return (CASES / f"{name}.xml").read_bytes()


async def exported(importer: Importer, form: str = "onix") -> bytes:
    answer = await importer.http.get(
        "/api/v1/admin/exports", params={"format": form}, headers=importer.caller.headers
    )
    assert answer.status_code == 200
    return answer.content


def counts(job: dict[str, Any]) -> dict[str, int]:
    assert job["state"] == "completed", job
    return {name: count for name, count in job["counts"].items() if count}


async def test_the_price_of_this_country_is_taken_and_the_row_says_why(importer: Importer) -> None:
    for form in ({"dry_run": "true"}, {}):
        job = await importer.finish(case("price-of-another-country"), "feed.xml", **form)
        assert (counts(job), job["warned"]) == ({"created": 2}, 0)
        rows = await importer.rows(job["id"])
        notes = [row["notes"][0]["message"] for row in rows]
        assert [note.split(";")[0] for note in notes] == [
            "9.99 EUR was taken, a fixed retail price with tax for DE",
            "9.99 EUR was taken, a fixed retail price with tax for AT DE",
        ]
        assert "10.30 EUR is for AT" in notes[0]
        assert "14.00 EUR is for WORLD without AT DE" in notes[1]
    for isbn in ("9791236000025", "9791236000032"):
        book = await importer.book(isbn)
        assert (book["price"], book["is_price_fixed"]) == (9.99, True)


async def test_a_suppliers_stock_stays_the_suppliers(importer: Importer) -> None:
    isbn = "9791236000094"
    job = await importer.finish(case("supplier-stock"), "feed.xml")
    assert (counts(job), job["warned"]) == ({"created": 1}, 1)
    book = await importer.book(isbn)
    assert (book["quantity"], book["supplier_availability"]) == (0, "available")
    (row,) = await importer.rows(job["id"])
    assert [(one["field"], one["type"]) for one in row["warnings"]] == [("quantity", "supplier-stock")]
    own = b'{"isbn": "9791236000094", "quantity": 3}'
    await importer.finish(own, "own.ndjson")
    await importer.finish(case("supplier-stock"), "feed.xml")
    assert (await importer.book(isbn))["quantity"] == 3
    # The shop's own export is believed.
    file = await exported(importer)
    await importer.finish(own.replace(b": 3", b": 8"), "own.ndjson")
    assert (await importer.book(isbn))["quantity"] == 8
    assert counts(await importer.finish(file, "own.xml")) == {"updated": 1}
    assert (await importer.book(isbn))["quantity"] == 3
    job = await importer.finish(case("supplier-stock"), "feed.xml", stock="import")
    assert (job["stock"], (await importer.book(isbn))["quantity"]) == ("import", 796)


async def test_a_supplier_who_says_nothing_changes_nothing(importer: Importer) -> None:
    stated = "<ProductAvailability>32</ProductAvailability>" + price("9.99", "04")
    await importer.finish(message(product(descriptive() + supply(stated))).encode(), "feed.xml")
    update = message(product(collateral("New."), notification="04"))
    assert counts(await importer.finish(update.encode(), "feed.xml")) == {"updated": 1}
    book = await importer.book(HOBBIT)
    assert (book["supplier_availability"], book["is_price_fixed"], book["price"]) == (
        "reprinting",
        True,
        9.99,
    )


async def test_a_price_in_another_currency_is_told_and_leaves_the_price(importer: Importer) -> None:
    await importer.finish(message(product(descriptive() + supply(price("9.99")))).encode(), "feed.xml")
    foreign = message(product(descriptive() + supply(price("8.99", "02", "GBP"))))
    job = await importer.finish(foreign.encode(), "feed.xml", dry_run="true")
    (row,) = await importer.rows(job["id"], has_warnings="true")
    assert [(one["field"], one["type"]) for one in row["warnings"]] == [("price", "wrong-currency")]
    await importer.finish(foreign.encode(), "feed.xml")
    assert (await importer.book(HOBBIT))["price"] == 9.99


async def test_volumes_of_a_set_are_works_of_their_own_under_the_set(importer: Importer) -> None:
    assert counts(await importer.finish(case("volumes-of-a-set"), "feed.xml")) == {"created": 2}
    first, second = [await importer.book(isbn) for isbn in ("9791236000117", "9791236000124")]
    assert [first["title"], second["title"]] == ["Collected Samples, Volume 1", "Collected Samples, Volume 2"]
    assert first["work_id"] != second["work_id"]
    assert first["series_id"] == second["series_id"]
    assert (first["series"], second["series_position"]) == ("Collected Samples", "Volume 2")


async def test_one_odd_optional_field_warns(importer: Importer) -> None:
    job = await importer.finish(case("one-odd-optional-field"), "feed.xml")
    assert (counts(job), job["warned"]) == ({"created": 3}, 1)
    assert (await importer.book("9791236000162"))["published_on"] == "2011-08-31"
    assert (await importer.book("9791236000179"))["published_on"] == "2024"
    book = await importer.book("9791236000186")
    assert (book["series"], book["series_position"]) == ("Sample Series", None)
    (row,) = await importer.rows(job["id"], has_warnings="true")
    assert [(one["field"], one["type"]) for one in row["warnings"]] == [("series_position", "too_long")]


async def test_latin_1_is_windows_1252_and_control_characters_are_told(importer: Importer) -> None:
    job = await importer.finish(case("latin1-declared-cp1252-bytes"), "feed.xml")
    assert (counts(job), job["warned"]) == ({"created": 1}, 0)
    assert (await importer.book("9791236000131"))["title"] == "It\u2019s five €"
    file = message(product(descriptive(title="<TitleText>It\x01&#2;s&#146;</TitleText>")))
    job = await importer.finish(file.encode(), "feed.xml", dry_run="true")
    (row,) = await importer.rows(job["id"])
    assert (row["status"], row["warnings"][0]["type"]) == ("created", "control-characters")
    await importer.finish(file.encode(), "feed.xml")
    assert (await importer.book(HOBBIT))["title"] == "Its\u2019"


async def test_an_odd_field_leaves_what_the_shop_has(importer: Importer) -> None:
    def dated(day: str) -> bytes:
        date = (
            f"<PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>{day}</Date></PublishingDate>"
        )
        return message(product(f"{descriptive()}<PublishingDetail>{date}</PublishingDetail>")).encode()

    await importer.finish(dated("1991-05"), "feed.xml")
    assert counts(await importer.finish(dated("May 91"), "feed.xml")) == {"unchanged": 1}
    assert (await importer.book(HOBBIT))["published_on"] == "1991-05"


@pytest.mark.parametrize("is_short", [False, True], ids=["reference names", "short tags"])
async def test_texts_for_the_trade_are_shown_nowhere(importer: Importer, is_short: bool) -> None:
    inside = collateral("45 % discount until Friday.").replace("Audience>00", "Audience>02")
    file = message(product(descriptive() + inside, reference=f"{SENDER}.9"))
    await importer.finish((shortened(file) if is_short else file).encode(), "feed.xml")
    assert (await importer.book(HOBBIT))["description"] is None
    for form in ("onix", "csv", "ndjson"):
        assert b"45 %" not in await exported(importer, form)


async def test_every_case_goes_back_without_a_trace(importer: Importer) -> None:
    await importer.http.post(
        "/api/v1/books",
        json={
            "title": "Kept",
            "price": 5,
            "isbn": "9791236000094",
            "quantity": 2,
            "is_price_fixed": True,
            "supplier_availability": "not_yet",
            "supplier_expected_on": "2027-03",
        },
        headers=importer.caller.headers,
    )
    before = {form: await exported(importer, form) for form in ("csv", "ndjson")}
    for name in sorted(path.stem for path in CASES.glob("*.xml")):
        job = await importer.finish(case(name), "feed.xml", stock="import")
        assert job["counts"]["failed"] == 0
        assert (await importer.act(job["id"], "revert")).status_code == 202
        await importer.run()
        assert {form: await exported(importer, form) for form in before} == before


@pytest.mark.parametrize("release", ["3.0", "3.1"])
@pytest.mark.parametrize("is_short", [False, True], ids=["reference names", "short tags"])
async def test_a_whole_record_of_the_trade(importer: Importer, release: str, is_short: bool) -> None:
    file = feed(VOLUME, release=release, is_short=is_short).encode()
    job = await importer.finish(file, "feed.xml")
    assert counts(job) == {"created": 1}
    book = await importer.book(VOLUME_ISBN)
    assert {name: book[name] for name in VOLUME_SHOWN} == VOLUME_SHOWN
    (row,) = await importer.rows(job["id"])
    assert "(7 % tax of 1.90)" in row["notes"][0]["message"]
    update = feed(UPDATE, release=release, is_short=is_short).encode()
    assert counts(await importer.finish(update, "feed.xml")) == {"updated": 1}
    book = await importer.book(VOLUME_ISBN)
    gone = {"supplier_availability": "out_of_print", "supplier_expected_on": None}
    assert {name: book[name] for name in VOLUME_SHOWN} == VOLUME_SHOWN | gone


async def test_the_export_is_valid_onix(importer: Importer) -> None:
    await importer.finish(feed(HOBBIT_PRODUCT, VOLUME).encode(), "feed.xml")
    bare = b'{"isbn": "9780306406157", "title": "Bare", "published": "1998"}\n{"title": "Of an age before ISBNs"}'
    await importer.finish(bare, "bare.ndjson", mode="create")
    file = await exported(importer)
    assert file.count(b"<Product>") == 4
    assert structure_faults(file) == []
    assert counts(await importer.finish(file, "own.xml")) == {"unchanged": 4}


async def test_an_unknown_stock_is_refused(importer: Importer) -> None:
    answer = await importer.post(case("supplier-stock"), "feed.xml", stock="all")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "stock"


async def test_a_market_of_another_country_offers_nothing_here(importer: Importer) -> None:
    market = f"<Market>{territory(countries='US')}</Market>"
    detail = f"<SupplyDetail><ProductAvailability>21</ProductAvailability>{price('9.99')}</SupplyDetail>"
    block = f"<ProductSupply>{market}{detail}</ProductSupply>"
    job = await importer.finish(message(product(descriptive() + block)).encode(), "feed.xml")
    book = await importer.book(HOBBIT)
    assert (book["price"], book["supplier_availability"]) == (None, None)
    (row,) = await importer.rows(job["id"])
    assert "is for US" in row["warnings"][0]["message"]
