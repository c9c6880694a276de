"""Facets of what books may lack: a rating, a price."""

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.catalog.facets.test_facets import BOOKS, FACETS, counts, facets, make
from tests.conftest import Caller


async def test_ratings_are_counted_by_whole_stars_and_selected_by_them(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    ratings = ("5.00", "4.99", "4.00", "3.99", "0.50", None)
    books = await make(client, seller, *({"title": f"Rated {rating}"} for rating in ratings))
    for book, rating in zip(books, ratings, strict=True):
        await session.execute(
            text("UPDATE book_documents SET rating = CAST(:rating AS numeric) WHERE book_id = :book"),
            {"book": book, "rating": rating},
        )
    stars = {"4": 2, "0": 1, "3": 1, "5": 1}
    assert await counts(client, "rating") == stars
    for query, total in (
        ("rating=4", 2),
        ("rating=0", 1),
        ("rating=4,5", 3),
        ("min_rating=4", 3),
        ("min_rating=3.99", 4),
        ("min_rating=0", 5),
        ("rating=3&min_rating=4", 0),
    ):
        answer = await facets(client, query)
        assert answer["total"] == (await client.get(f"{BOOKS}?{query}")).json()["total"] == total, query
        assert await counts(client, "rating", query) == stars, query
        assert sum((await counts(client, "in_stock", query)).values()) == total, query


async def test_books_without_a_price_are_in_no_band_and_below_no_limit(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    _, unpriced = await make(client, seller, {"price": 7}, {})
    answer = await client.patch(f"{BOOKS}/{unpriced}", json={"price": None}, headers=seller.headers)
    assert answer.status_code == 200, answer.text
    for query, total in (
        ("", 2),
        ("min_price=0", 1),
        ("max_price=999999999999", 1),
        ("price=0-", 1),
        ("in_stock=false", 2),
    ):
        answer = await client.get(f"{FACETS}?{query}")
        assert (answer.status_code, answer.json()["total"]) == (200, total), query
        assert await counts(client, "price", query) == {"5-10": 1}
        for path in (BOOKS, "/api/v1/items") if "price=0-" not in query else (BOOKS,):
            listed = await client.get(f"{path}?{query}")
            assert (path, query, listed.json().get("total")) == (path, query, total)
