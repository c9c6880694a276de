"""The search document of a book follows everything that it is made of."""

import asyncio
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.catalog.search.shelf import BOOKS, titles
from tests.catalog.waiting import until_somebody_waits
from tests.conftest import Caller, SignUp
from tests.factories import a_book

AUTHORS = "/api/v1/authors"
CATEGORIES = "/api/v1/categories"
SERIES = "/api/v1/series"


async def document(session: AsyncSession, book: dict[str, Any]) -> Any:
    statement = text("SELECT * FROM book_documents WHERE book_id = :id")
    return (await session.execute(statement, {"id": book["id"]})).one_or_none()


async def test_a_renamed_author_is_found_by_the_new_name_and_its_aliases(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    book = await a_book(client, seller, "Middlemarch", author="Mary Evans")
    author = book["contributors"][0]["author_id"]
    change = {"name": "George Eliot", "aliases": ["Marian Lewes"]}
    await client.patch(f"{AUTHORS}/{author}", json=change, headers=moderator.headers)
    assert await titles(client, "eliot") == ["Middlemarch"]
    assert await titles(client, "lewes") == ["Middlemarch"]
    assert await titles(client, "evans") == []


async def test_a_renamed_series_is_found_by_the_new_name(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    book = await a_book(client, seller, "Dune", series="Arrakis")
    await client.patch(
        f"{SERIES}/{book['series_id']}", json={"name": "Chronicles"}, headers=moderator.headers
    )
    assert await titles(client, "chronicles") == ["Dune"]
    assert await titles(client, "arrakis") == []


async def test_an_edited_book_is_found_by_what_it_says_now(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await a_book(client, seller, "Aurora", author="First Author", description="Sapphire.")
    change = {"title": "Borealis", "author": "Second Writer", "description": "Emerald.", "subtitle": "Topaz"}
    change["edition_statement"] = "Ruby edition"
    await client.patch(f"{BOOKS}/{book['id']}", json=change, headers=seller.headers)
    for gone in ("aurora", "first", "sapphire"):
        assert await titles(client, gone) == []
    for there in ("borealis", "second", "emerald", "topaz", "ruby"):
        assert await titles(client, there) == ["Borealis"]


async def test_price_and_stock_are_those_of_now(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    book = await a_book(client, seller, "Aurora", price=10, quantity=1)
    kept = await document(session, book)
    assert (kept.price, kept.in_stock) == (Decimal(10), True)
    change = {"price": 12.5, "quantity": 0}
    await client.patch(f"{BOOKS}/{book['id']}", json=change, headers=seller.headers)
    kept = await document(session, book)
    assert (kept.price, kept.in_stock) == (Decimal("12.5"), False)
    await client.patch(f"{BOOKS}/{book['id']}", json={"quantity": 3}, headers=seller.headers)
    assert (await document(session, book)).in_stock


async def test_a_moved_category_takes_its_books_along(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    async def category(name: str, **fields: object) -> int:
        answer = await client.post(CATEGORIES, json={"name": name, **fields}, headers=moderator.headers)
        return int(answer.json()["id"])

    root, other = await category("Root"), await category("Other")
    middle = await category("Middle", parent_id=root)
    leaf = await category("Leaf", parent_id=middle)
    book = await a_book(client, seller, "Aurora", category_ids=[leaf])
    assert sorted((await document(session, book)).category_ids) == sorted([root, middle, leaf])
    moved = await client.patch(f"{CATEGORIES}/{middle}", json={"parent_id": other}, headers=moderator.headers)
    assert moved.status_code == 200
    assert sorted((await document(session, book)).category_ids) == sorted([other, middle, leaf])
    await client.patch(f"{BOOKS}/{book['id']}", json={"category_ids": []}, headers=seller.headers)
    assert (await document(session, book)).category_ids == []


async def tree(client: httpx.AsyncClient, moderator: Caller) -> dict[str, int]:
    """Ids of Root/Middle/Leaf and Other, by name."""
    ids: dict[str, int] = {}
    for name, parent in (("Root", None), ("Other", None), ("Middle", "Root"), ("Leaf", "Middle")):
        body = {"name": name, "parent_id": ids.get(parent or "")}
        answer = await client.post(CATEGORIES, json=body, headers=moderator.headers)
        ids[name] = answer.json()["id"]
    return ids


async def test_a_move_of_a_subtree_sets_categories_alone_and_a_rename_nothing(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    ids = await tree(client, moderator)
    books = [
        await a_book(
            client, seller, f"Aurora in {shelves}", category_ids=[ids[one] for one in shelves.split()]
        )
        for shelves in ("Leaf", "Middle", "Leaf Middle", "Middle Root", "Other", "")
    ]
    await session.execute(text("UPDATE book_documents SET words = 'untouched'"))
    versions = text("SELECT array_agg((book_id, ctid)::text ORDER BY book_id) FROM book_documents")
    before = await session.scalar(versions)

    async def change(**fields: object) -> list[set[str]]:
        answer = await client.patch(f"{CATEGORIES}/{ids['Middle']}", json=fields, headers=moderator.headers)
        assert answer.status_code == 200, answer.text
        names = {number: name for name, number in ids.items()}
        return [{names[one] for one in (await document(session, book)).category_ids} for book in books]

    both = {"Leaf", "Middle"}
    rest = [{"Other"}, set()]
    under_root = [both | {"Root"}, {"Middle", "Root"}, both | {"Root"}, {"Middle", "Root"}, *rest]
    assert await change(name="Centre", slug="centre") == under_root
    assert await session.scalar(versions) == before
    under_other = [
        both | {"Other"},
        {"Middle", "Other"},
        both | {"Other"},
        {"Middle", "Root", "Other"},
        *rest,
    ]
    assert await change(parent_id=ids["Other"]) == under_other
    assert await change(parent_id=None) == [both, {"Middle"}, both, {"Middle", "Root"}, *rest]
    assert {(await document(session, book)).words for book in books} == {"'untouched'"}


async def test_every_beginning_of_a_subject_code_is_kept(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    book = await a_book(client, seller, "Aurora", subjects=[{"code": "FMB"}, {"code": "FB"}])
    assert (await document(session, book)).subject_codes == ["F", "FB", "FM", "FMB"]


async def test_a_deleted_book_leaves_no_document(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    book = await a_book(client, seller, "Aurora", author="Somebody", quantity=1)
    await client.delete(f"{BOOKS}/{book['id']}", headers=seller.headers)
    assert await document(session, book) is None


async def test_a_bulk_writer_may_put_the_documents_off(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    book = await a_book(client, seller, "Aurora")
    await session.execute(text("SET LOCAL bookstore.defer_documents = 'on'"))
    await session.execute(text("UPDATE items SET title = 'Borealis' WHERE id = :id"), {"id": book["id"]})
    assert (await document(session, book)).title_words == "aurora"
    await session.execute(
        text("SELECT refresh_book_documents(ARRAY[CAST(:id AS bigint)])"), {"id": book["id"]}
    )
    assert (await document(session, book)).title_words == "borealis"
    await session.execute(text("SET LOCAL bookstore.defer_documents = 'off'"))


async def test_writers_of_the_same_new_words_do_not_wait_for_one_another(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    sessions = live_app.state.database.sessions
    book = await a_book(live_client, seller, "Aurora")
    async with sessions() as slow, asyncio.timeout(5):
        await slow.execute(
            text("UPDATE items SET title = 'Sesquipedalian Aurora' WHERE id = :id"), {"id": book["id"]}
        )
        await a_book(live_client, seller, "Sesquipedalian Words")
        await slow.commit()
    assert sorted(await titles(live_client, "sesquipedalian")) == [
        "Sesquipedalian Aurora",
        "Sesquipedalian Words",
    ]
    assert await titles(live_client, "sesquipedalien")


async def test_of_two_writers_of_one_book_neither_undoes_the_others_part_of_the_document(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    book = await a_book(live_client, seller, "Aurora", author="Somebody", quantity=1)
    author = book["contributors"][0]["author_id"]
    sessions = live_app.state.database.sessions
    async with sessions() as first, sessions() as second:
        await first.execute(
            text("UPDATE items SET title = 'Borealis', price = 99 WHERE id = :id"), {"id": book["id"]}
        )
        rename = text("UPDATE authors SET name = 'Anybody' WHERE id = :id")
        renaming = asyncio.create_task(second.execute(rename, {"id": author}))
        await until_somebody_waits(live_app, unless=renaming)
        await first.commit()
        await renaming
        await second.commit()
    async with sessions() as reading:
        kept = await document(reading, book)
    assert kept.price == Decimal(99)
    assert await titles(live_client, "borealis anybody") == ["Borealis"]


@pytest.mark.parametrize("count", [3])
async def test_books_that_change_the_same_documents_at_once_do_not_deadlock(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, count: int
) -> None:
    seller = await live_sign_up()
    books = [
        await a_book(live_client, seller, f"Aurora {number}", author="Somebody") for number in range(count)
    ]

    async def edit(number: int) -> int:
        book = books[number % count]
        answer = await live_client.patch(
            f"{BOOKS}/{book['id']}", json={"description": f"Neologism{number}"}, headers=seller.headers
        )
        return answer.status_code

    answers = await asyncio.gather(*(edit(number) for number in range(4 * count)))
    assert set(answers) <= {200, 412}
    assert 200 in answers
