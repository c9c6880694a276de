"""With forty thousand books no question of the catalogue reads them all: every plan goes by indexes."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy import event

from app.core.db.engine import Database
from app.core.db.transaction import transaction
from app.demo.generate import generate_books
from app.demo.loader import load_demo
from devstack import Servers
from tests.conftest import DatabaseMaker, client_of, running_app, settings_for

BOOKS = 40_000
LARGE = {"books", "items", "book_documents", "works", "contributors", "book_categories", "stock_levels"}

Statement = tuple[str, tuple[Any, ...]]


@pytest.fixture(scope="module")
async def full_app(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[FastAPI]:
    """The application over the demo and forty thousand invented books."""
    with make_database() as url:
        in_development = settings_for(servers, url, environment="development")
        async with running_app(in_development) as application:
            async with transaction(application.state.database, application.state.cache) as session:
                await load_demo(session, in_development, lambda *_: None)
                await generate_books(session, in_development, BOOKS, lambda *_: None)
            connection = await asyncpg.connect(url.replace("+asyncpg", ""))
            try:
                await connection.execute("VACUUM ANALYZE")
            finally:
                await connection.close()
            yield application


@contextmanager
def statements_of(database: Database) -> Iterator[list[Statement]]:
    """What the application asks PostgreSQL meanwhile."""
    heard: list[Statement] = []

    def listen(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if "EXPLAIN" not in statement and "FROM" in statement.split():
            heard.append((statement, tuple(parameters)))

    engines = [engine.sync_engine for engine in database.engines().values()]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", listen)
    try:
        yield heard
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", listen)


def scanned(plan: dict[str, Any]) -> Iterator[str]:
    """The tables that a plan that was carried out read from end to end."""
    if plan["Node Type"] == "Seq Scan" and plan["Actual Loops"]:
        yield plan["Relation Name"]
    for part in plan.get("Plans", ()):
        yield from scanned(part)


async def sequential_scans(application: FastAPI, path: str) -> tuple[list[tuple[str, str]], int]:
    """Large tables that answering `path` scans, with the statement; and how many statements there are."""
    database: Database = application.state.database
    async with client_of(application) as client:
        with statements_of(database) as heard:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
    found = []
    for statement, parameters in heard:
        plan = await explain(application, statement, *parameters)
        found += [(table, statement) for table in scanned(plan) if table in LARGE]
    return found, len(heard)


async def explain(application: FastAPI, statement: str, *parameters: Any) -> dict[str, Any]:
    """The plan of a statement, and what came of it."""
    url = application.state.settings.database.url.get_secret_value()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", *parameters)
    finally:
        await connection.close()
    plan: dict[str, Any] = json.loads(text)[0]["Plan"]
    return plan


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/search?q=harry+potter",
        "/api/v1/search?q=tolkien",
        "/api/v1/search?q=the",
        "/api/v1/search?q=harry+poter",
        "/api/v1/search?q=dostoevski",
        "/api/v1/search?q=0439023483",
        "/api/v1/search?q=the&skip=900&language=en",
        "/api/v1/books?search=potter",
        "/api/v1/suggest?q=har",
        "/api/v1/suggest?q=tolkein",
        "/api/v1/suggest?q=th",
        "/api/v1/books/facets",
        "/api/v1/books/facets?language=de",
        "/api/v1/books/facets?language=de&format=ebook&in_stock=true",
        # Of a word that most have the frame of samples is read, which is a quarter of so small a catalogue.
        "/api/v1/books/facets?search=potter",
        "/api/v1/books/facets?min_price=10&max_price=11",
        "/api/v1/books",
        "/api/v1/books?sort=-price&limit=100",
        "/api/v1/books?category=fantasy",
        "/api/v1/books?author=tolkien",
        "/api/v1/books/1/related",
        "/api/v1/items?kind=stationery",
        "/api/v1/items?kind=stationery&sort=-price",
    ],
)
async def test_no_question_reads_all_books(full_app: FastAPI, path: str) -> None:
    found, statements = await sequential_scans(full_app, path)
    assert found == []
    assert statements <= 2


@pytest.mark.parametrize("sort", ["title", "-title", "price", "-price", "created_at", "-created_at"])
async def test_a_page_deep_inside_the_list_is_found_by_its_index(full_app: FastAPI, sort: str) -> None:
    path = f"/api/v1/books?sort={sort}"
    async with client_of(full_app) as client:
        page = (await client.get(path, params={"sort": sort, "skip": 9_000})).json()
    assert page["has_next"]
    found, _ = await sequential_scans(full_app, f"{path}&cursor={page['next_cursor']}")
    assert found == []


def removed_by_filters(plan: dict[str, Any]) -> int:
    """How many rows were read for nothing."""
    own = plan.get("Rows Removed by Filter", 0) * plan["Actual Loops"]
    return int(own) + sum(removed_by_filters(part) for part in plan.get("Plans", ()))


@pytest.mark.parametrize(
    "path",
    [
        # No book has a subject, which the planner does not know.
        "/api/v1/books?subject=FB",
        "/api/v1/books?subject=FB&sort=-price",
        "/api/v1/books?min_price=900000",
        "/api/v1/books?rating=5",
        "/api/v1/items?min_price=5&max_price=5.01",
        "/api/v1/categories/fantasy/books",
    ],
)
async def test_where_filters_let_few_through_no_list_is_walked(full_app: FastAPI, path: str) -> None:
    database: Database = full_app.state.database
    async with client_of(full_app) as client:
        with statements_of(database) as heard:
            await client.get(path)
    plans = [await explain(full_app, statement, *values) for statement, values in heard]
    assert sum(map(removed_by_filters, plans)) < BOOKS / 10


async def test_a_scan_would_be_noticed(full_app: FastAPI) -> None:
    plan = await explain(full_app, "SELECT count(*) FROM books WHERE pages = 3")
    assert list(scanned(plan)) == ["books"]
