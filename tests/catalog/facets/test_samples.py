"""Facets and totals of more books than are counted one by one."""

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

BOOKS = "/api/v1/books"
FACETS = f"{BOOKS}/facets"
MANY = 60_000
# Book number n: language en but for every fourth (de) and every hundredth (la); odd ones in stock; each
# thousand has an author; the decade follows the number; the rare word is in every two hundredth.
_FILL = (
    # Neither triggers nor foreign keys: all that is wanted is a full table.
    "SET session_replication_role = replica",
    "INSERT INTO users (username, email, email_key, password_hash) VALUES ('s', 's@e.c', 's@e.c', '!')",
    """
    INSERT INTO authors (name, sort_name) SELECT 'Author ' || n, 'Author ' || n
    FROM generate_series(0, 60) AS n
    """,
    """
    INSERT INTO items (kind, title, price, currency, owner_id)
    SELECT 'book', 'T' || n, 5 + n % 20, 'EUR', (SELECT min(id) FROM users) FROM generate_series(1, 60000) AS n
    """,
    "INSERT INTO works (title) SELECT title FROM items ORDER BY id",
    """
    INSERT INTO books (item_id, work_id, language, first_published)
    SELECT id, id, CASE WHEN id % 100 = 0 THEN 'la' WHEN id % 4 = 0 THEN 'de' ELSE 'en' END, 1900 + id % 100
    FROM items
    """,
    """
    INSERT INTO book_documents (book_id, title_words, words, price, in_stock, language, year,
        author_ids, category_ids, subject_codes, sample)
    SELECT id, title_folded, CASE WHEN id % 200 = 0 THEN 'rare:1A'::tsvector ELSE 'common:1A' END,
        price, id % 2 = 1, language, year, ARRAY[1 + id / 1000], '{}', '{}', hashint8(id) & 2147483647
    FROM items JOIN books ON item_id = id
    """,
    "ANALYZE",
)


@pytest.fixture
async def many_books(live_app: FastAPI, empty_database_url: str) -> None:
    del live_app
    connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
    try:
        for statement in _FILL:
            await connection.execute(statement)
    finally:
        await connection.close()


async def numbers(client: httpx.AsyncClient, query: str, facet: str) -> tuple[int, bool, dict[str, int]]:
    answer = await client.get(f"{FACETS}?{query}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    listed = (await client.get(f"{BOOKS}?{query}")).json()
    assert listed["total"] == body["total"], query
    values = {one["value"]: one["count"] for one in body["facets"][facet]["values"]}
    return body["total"], body["is_estimate"], values


@pytest.mark.usefixtures("many_books")
async def test_many_books_are_estimated_and_few_are_counted(live_client: httpx.AsyncClient) -> None:
    total, is_estimate, languages = await numbers(live_client, "", "language")
    assert is_estimate
    assert total == pytest.approx(MANY, rel=0.03)
    assert languages["en"] == pytest.approx(MANY * 0.75, rel=0.05)
    assert languages["la"] == pytest.approx(MANY * 0.01, rel=0.25)
    assert languages["en"] + languages["de"] + languages["la"] == pytest.approx(total, abs=2)

    # A selection that most books meet, and one of which the frame shows that there are too many to count.
    for query, truth in (("language=en", MANY * 0.75), ("language=de&in_stock=false", MANY * 0.24)):
        total, is_estimate, _ = await numbers(live_client, query, "decade")
        assert is_estimate, query
        assert total == pytest.approx(truth, rel=0.05), query

    # Ten thousand and fewer are counted, though the facet of the selection itself is estimated.
    total, _, decades = await numbers(live_client, "language=la", "decade")
    assert (total, decades) == (600, {"1900": 600})
    total, _, decades = await numbers(live_client, "decade=1990&in_stock=true", "in_stock")
    assert (total, decades) == (3000, {"false": 3000, "true": 3000})

    # What the index of samples does not hold.
    assert (await numbers(live_client, "search=rare", "language"))[0] == 300
    total, is_estimate, _ = await numbers(live_client, "search=common&language=en", "language")
    assert is_estimate
    assert total == pytest.approx(MANY * 0.75, rel=0.05)

    authors = (await live_client.get(FACETS)).json()["facets"]["author"]
    shown = sum(one["count"] for one in authors["values"])
    assert len(authors["values"]) == 50
    assert shown + authors["other_count"] == pytest.approx(MANY, rel=0.03)
    assert authors["other_count"] == pytest.approx(10_500, rel=0.2)
