"""Every change of a price is remembered, whoever makes it and by whatever path."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from dirty_equals import IsInt, IsStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.repository import attribute_prices
from app.catalog.models import Item, PriceSource
from tests.conftest import Caller, SignUp
from tests.factories import ITEMS

from .conftest import PEN, price_as_of, prices_of, set_price


async def listed_at(session: AsyncSession, seller: Caller, moment: datetime) -> str:
    """List something that costs 5, as if at that moment; its path."""
    item = Item(
        kind="other", title="Pen", price=Decimal(5), currency="EUR", owner_id=seller.id, created_at=moment
    )
    session.add(item)
    await session.flush()
    return f"{ITEMS}/{item.id}"


async def test_each_price_is_kept_with_who_set_it_and_when(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, pen: str
) -> None:
    await set_price(client, seller, pen, 12)
    await set_price(client, moderator, pen, 11.5)
    answer = await client.get(f"{pen}/price-changes", headers=seller.headers)
    assert answer.headers["cache-control"] == "private, no-store"
    owner, staff = ({"id": who.id, "username": who.username} for who in (seller, moderator))
    known = {"id": IsInt, "currency": "EUR", "changed_at": IsStr(regex=r".*Z")}
    assert answer.json()["items"] == [
        {**known, "price": 11.5, "source": "edit", "changed_by": staff},
        {**known, "price": 12, "source": "edit", "changed_by": owner},
        {**known, "price": 10, "source": "initial", "changed_by": owner},
    ]


async def test_the_public_sees_prices_and_times_but_not_people(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    await set_price(client, seller, pen, 12)
    for headers in ({}, seller.headers):
        answer = await client.get(f"{pen}/prices", headers=headers)
        body = answer.json()
        known = {"currency": "EUR", "changed_at": IsStr(regex=r".*Z")}
        assert body["items"] == [{**known, "price": 12}, {**known, "price": 10}]
        assert (body["total"], body["price_as_of"]) == (2, None)
    again = await client.get(f"{pen}/prices", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    await set_price(client, seller, pen, 13)
    assert await prices_of(client, pen) == [13, 12, 10]


async def test_strangers_do_not_see_who_changed_a_price(
    client: httpx.AsyncClient, sign_up: SignUp, pen: str
) -> None:
    stranger = await sign_up()
    answer = await client.get(f"{pen}/price-changes", headers=stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-your-item")
    assert (await client.get(f"{pen}/price-changes")).status_code == 401


async def test_a_saved_price_that_is_the_same_is_no_change(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    await set_price(client, seller, pen, 10.0)
    await client.put(pen, json={**PEN, "title": "Pen"}, headers=seller.headers)
    await client.patch(pen, json={"title": "A pen"}, headers=seller.headers)
    assert await prices_of(client, pen) == [10]


async def test_every_way_to_edit_a_book_or_item_is_remembered(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    body = {"title": "The Hobbit", "author": "J.R.R. Tolkien", "price": 10}
    made = await client.post("/api/v1/books", json=body, headers=seller.headers)
    book = f"/api/v1/books/{made.json()['id']}"
    item = f"/api/v1/items/{made.json()['id']}"
    edits: tuple[tuple[str, str, dict[str, object]], ...] = (
        ("PUT", book, {**body, "price": 11}),
        ("PATCH", book, {"price": 12}),
        ("PUT", item, {**body, "price": 13}),
        ("PATCH", item, {"price": 14, "kind": "book"}),
    )
    for version, (method, path, edit) in enumerate(edits, start=2):
        answer = await client.request(method, path, json=edit, headers=seller.headers)
        assert (answer.status_code, answer.json().get("version")) == (200, version), answer.text
    assert await prices_of(client, book) == [14, 13, 12, 11, 10]
    assert await prices_of(client, item) == [14, 13, 12, 11, 10]


@pytest.mark.parametrize("path", ["/api/v1/books", "/api/v1/items"])
async def test_a_price_can_be_taken_off_and_that_is_remembered(
    client: httpx.AsyncClient, seller: Caller, path: str
) -> None:
    body = {"title": "The Hobbit", "author": "J.R.R. Tolkien", "price": 10}
    made = await client.post(path, json=body, headers=seller.headers)
    item = f"{path}/{made.json()['id']}"
    await set_price(client, seller, item, 8)
    for sent in ({"price": None}, {"title": "Hobbit"}, {"price": None}):
        answer = await client.patch(item, json=sent, headers=seller.headers)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["price"], answer.json()["lowest_price_30d"]) == (None, None)
    assert await prices_of(client, item) == [None, 8, 10]
    assert (await set_price(client, seller, item, 9))["price"] == 9
    assert await prices_of(client, item) == [9, None, 8, 10]
    for method, where in (("POST", path), ("PUT", item)):
        for refused in ({**body, "price": None}, {"title": "The Hobbit"}):
            answer = await client.request(method, where, json=refused, headers=seller.headers)
            assert [error["field"] for error in answer.json()["errors"]] == ["price"]


async def test_only_books_have_prices_under_books(client: httpx.AsyncClient, pen: str) -> None:
    as_book = await client.get(f"{pen.replace('items', 'books')}/prices")
    assert (as_book.status_code, as_book.json()["code"]) == (404, "book-not-found")
    nothing = await client.get("/api/v1/items/999999999/prices")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "item-not-found")


async def test_bulk_statements_are_remembered_with_the_importer(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, pen: str, session: AsyncSession
) -> None:
    item_id = int(pen.rpartition("/")[2])
    await attribute_prices(session, PriceSource.IMPORT, moderator.id)
    await session.execute(text("UPDATE items SET price = price * 2 WHERE id = :id"), {"id": item_id})
    new = await listed_at(session, seller, datetime(2020, 1, 1, tzinfo=UTC))
    changes = (await client.get(f"{pen}/price-changes", headers=seller.headers)).json()["items"]
    assert [(each["price"], each["source"], each["changed_by"]["id"]) for each in changes] == [
        (20, "import", moderator.id),
        (10, "initial", seller.id),
    ]
    first = (await client.get(f"{new}/price-changes", headers=seller.headers)).json()["items"]
    assert [(each["source"], each["changed_by"]["id"], each["changed_at"]) for each in first] == [
        ("import", moderator.id, "2020-01-01T00:00:00Z")
    ]


async def test_an_edit_after_an_import_in_one_transaction_is_the_editors(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, pen: str, session: AsyncSession
) -> None:
    await attribute_prices(session, PriceSource.IMPORT, moderator.id)
    await set_price(client, seller, pen, 11)
    newest = (await client.get(f"{pen}/price-changes", headers=seller.headers)).json()["items"][0]
    assert (newest["source"], newest["changed_by"]["id"]) == ("edit", seller.id)


async def test_the_price_at_a_moment_holds_from_its_change_until_before_the_next(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    await set_price(client, seller, pen, 12)
    second, first = (await client.get(f"{pen}/prices")).json()["items"]
    listed, raised = (datetime.fromisoformat(each["changed_at"]) for each in (first, second))
    created = (await client.get(pen)).json()["created_at"]
    assert created == first["changed_at"]
    tick = timedelta(microseconds=1)
    expected = {listed - tick: None, listed: 10, raised - tick: 10, raised: 12, raised + tick: 12}
    for moment, price in expected.items():
        assert await price_as_of(client, pen, moment.isoformat()) == price, moment


async def test_a_moment_is_the_same_in_every_zone(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    # In Berlin the clocks went from 03:00 back to 02:00 at 01:00 UTC: 02:30 came twice.
    path = await listed_at(session, seller, datetime(2025, 10, 26, 1, tzinfo=UTC))
    assert await price_as_of(client, path, "2025-10-26T02:30:00+02:00") is None
    assert await price_as_of(client, path, "2025-10-26T02:30:00+01:00") == 5
    assert await price_as_of(client, path, "2025-10-25T21:00:00-04:00") == 5
    assert await price_as_of(client, path, "2025-10-26T00:59:59.999999Z") is None


@pytest.mark.parametrize("moment", ["2026-05-01T12:00:00", "yesterday", "0001-01-01T00:00:00+14:00", ""])
async def test_a_moment_without_zone_or_sense_is_refused(
    client: httpx.AsyncClient, pen: str, moment: str
) -> None:
    answer = await client.get(f"{pen}/prices", params={"price_as_of": moment})
    assert answer.status_code == 422
    assert (await client.get(f"{pen}/prices", params={"as_of": moment})).status_code == 422


async def test_history_comes_in_pages(client: httpx.AsyncClient, seller: Caller, pen: str) -> None:
    for price in range(11, 16):
        await set_price(client, seller, pen, price)
    seen, cursor = [], None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"{pen}/prices", params=params)).json()
        seen += [each["price"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert (seen, page["total"]) == ([15, 14, 13, 12, 11, 10], 6)


async def test_an_item_may_lose_its_price_and_get_one_again(
    client: httpx.AsyncClient, seller: Caller, pen: str, session: AsyncSession
) -> None:
    # Of a statement that names nobody, nobody is remembered.
    item_id = int(pen.rpartition("/")[2])
    await session.execute(text("UPDATE items SET price = NULL WHERE id = :id"), {"id": item_id})
    await set_price(client, seller, pen, 8)
    assert await prices_of(client, pen) == [8, None, 10]
    taken = (await client.get(f"{pen}/prices")).json()["items"][1]["changed_at"]
    assert await price_as_of(client, pen, taken) is None
    changes = (await client.get(f"{pen}/price-changes", headers=seller.headers)).json()["items"]
    assert [each["changed_by"] and each["changed_by"]["id"] for each in changes] == [
        seller.id,
        None,
        seller.id,
    ]


async def test_history_outlives_its_item_and_refuses_changes(
    client: httpx.AsyncClient, seller: Caller, pen: str, session: AsyncSession
) -> None:
    item_id = int(pen.rpartition("/")[2])
    assert (await client.delete(pen, headers=seller.headers)).status_code == 204
    assert (await client.get(f"{pen}/prices")).status_code == 404
    count = text("SELECT count(*) FROM price_changes WHERE item_id = :id")
    assert await session.scalar(count, {"id": item_id}) == 1
    for statement in (
        "UPDATE price_changes SET price = 1",
        "DELETE FROM price_changes",
        "TRUNCATE price_changes",
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with session.begin_nested():
                await session.execute(text(statement))


async def test_a_refused_edit_leaves_no_trace(client: httpx.AsyncClient, seller: Caller, pen: str) -> None:
    for price in (10.005, 0, -1, "x", 99_999_999_999):
        answer = await client.patch(pen, json={"price": price}, headers=seller.headers)
        assert answer.status_code == 422, price
    await client.patch(pen, json={"price": 9}, headers={**seller.headers, "If-Match": '"7"'})
    assert await prices_of(client, pen) == [10]
