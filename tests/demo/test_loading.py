import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.schemas import BookIn
from app.catalog.isbn import parse_isbn
from app.core.cache.bus import CacheBus
from app.core.cache.hot import HotCache
from app.core.db.engine import Database
from app.core.db.transaction import transaction
from app.core.redis import make_redis
from app.core.settings.settings import Settings
from app.demo.accounts import ACCOUNTS, PASSWORD
from app.demo.generate import generate_books
from app.demo.loader import DatabaseNotEmpty, DemoRefused, load_demo
from app.demo.shop import DATA, DemoShop
from app.identity.passwords import verify_password
from devstack import Servers
from tests.conftest import DatabaseMaker, client_of, running_app, settings_for


@asynccontextmanager
async def transaction_on(settings: Settings) -> AsyncIterator[AsyncSession]:
    database, redis = Database(settings.database), make_redis(settings.redis)
    try:
        cache = HotCache(CacheBus(redis, database.identity, 60), settings.cache)
        async with transaction(database, cache) as session:
            yield session
    finally:
        await redis.aclose()
        await database.close()


async def load(settings: Settings) -> DemoShop:
    async with transaction_on(settings) as session:
        return await load_demo(session, settings, lambda *_: None)


async def test_whoever_needs_long_between_two_batches_goes_on(servers: Servers, shop_url: str) -> None:
    settings = settings_for(servers, shop_url, environment="development")
    settings.database.statement_timeout = 0.5
    said: list[str] = []

    def take_long(*_: object) -> None:
        said.append("")
        time.sleep(0.8)

    async with transaction_on(settings) as session:
        await generate_books(session, settings, 10, take_long)
        await session.rollback()
    assert said


async def count(url: str, question: str) -> int:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {question}"))  # noqa: S608 (the tests' own words)
    finally:
        await connection.close()


@pytest.fixture
def settings(servers: Servers, empty_database_url: str) -> Settings:
    return settings_for(servers, empty_database_url, environment="development")


@pytest.fixture(scope="module")
async def shop_url(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[str]:
    """A loaded database for tests that only read."""
    with make_database() as url:
        await load(settings_for(servers, url, environment="development"))
        yield url


async def test_the_shop_is_full(settings: Settings, empty_database_url: str) -> None:
    await load(settings)

    questions = {
        "books": 2_000,
        "items WHERE kind <> 'book'": 12,
        "categories WHERE parent_id IS NOT NULL": 25,
        "stock_levels WHERE on_hand = 0": 10,
        "books WHERE year < 0": 10,
        "books WHERE series_order IS NOT NULL": 500,
        "contributors WHERE role = 'translator'": 50,
        "contributors WHERE role = 'illustrator'": 50,
    }
    for question, least in questions.items():
        assert await count(empty_database_url, question) >= least, question


@pytest.mark.parametrize(
    "breach",
    [
        "books WHERE NOT EXISTS (SELECT FROM contributors c WHERE c.book_id = item_id)",
        "books WHERE NOT EXISTS (SELECT FROM book_categories c WHERE c.book_id = item_id)",
        "stock_levels s WHERE on_hand <> (SELECT coalesce(sum(delta), 0) FROM stock_movements m WHERE m.item_id = s.item_id)",
        "items WHERE NOT EXISTS (SELECT FROM stock_levels s WHERE s.item_id = id)",
        "items WHERE price NOT BETWEEN 4.99 AND 49.99",
        "items WHERE price % 1 NOT IN (0.49, 0.90, 0.99)",
        "items WHERE length(title) NOT BETWEEN 1 AND 200 OR length(description) > 1000",
        "items JOIN users ON owner_id = users.id WHERE username <> 'demo_seller'",
        "users WHERE NOT is_verified",
        "categories c JOIN categories p ON c.parent_id = p.id WHERE c.path <> p.path || '/' || c.slug",
    ],
)
async def test_no_row_breaks_a_rule_of_the_shop(shop_url: str, breach: str) -> None:
    assert await count(shop_url, breach) == 0


def test_a_client_could_have_sent_every_book() -> None:
    shop = DemoShop.read()

    slugs = {category.slug for category in shop.categories}
    for book in shop.books:
        people = [{"name": name, "role": role} for name, role in book.contributors]
        values = {**book._asdict(), "isbn": book.isbn13, "contributors": people}
        accepted = {name: value for name, value in values.items() if name in BookIn.model_fields}
        assert BookIn.model_validate(accepted).isbn == book.isbn13 == parse_isbn(book.isbn13)
        assert accepted.keys() >= {"title", "price", "description", "tags", "language", "series_position"}
        assert people
        assert book.categories
        assert slugs.issuperset(book.categories)


def test_the_catalogue_names_its_source_and_licence() -> None:
    note = (DATA / "ATTRIBUTION.md").read_text(encoding="utf-8")

    for words in ("Zygmunt Zając", "goodbooks-10k", "CC BY-SA 4.0", "Changes to the source"):
        assert words in note
    assert (DATA / "books.csv").stat().st_size < 400_000


async def test_every_demo_account_can_log_in_and_see_the_books(servers: Servers, shop_url: str) -> None:
    async with running_app(settings_for(servers, shop_url)) as app, client_of(app) as client:
        for account in ACCOUNTS:
            form = {"username": account.username, "password": PASSWORD}
            assert (await client.post("/api/v1/auth/token", data=form)).status_code == 200
        page = (await client.get("/api/v1/books", params={"limit": 1})).json()
    assert page["total"] == len(DemoShop.read().books)


async def test_a_client_can_add_to_the_loaded_shop(settings: Settings) -> None:
    await load(settings)

    async with running_app(settings) as app, client_of(app) as client:
        form = {"username": "demo_seller", "password": PASSWORD}
        token = (await client.post("/api/v1/auth/token", data=form)).json()["access_token"]
        book = {"title": "One more", "author": "J.R.R. Tolkien", "price": 9.5}
        headers = {"Authorization": f"Bearer {token}"}
        assert (await client.post("/api/v1/books", json=book, headers=headers)).status_code == 201


async def test_a_running_api_shows_the_books_at_once(settings: Settings) -> None:
    async with running_app(settings) as app, client_of(app) as client:
        for _ in range(2):
            assert (await client.get("/api/v1/books")).json()["total"] == 0
        await load(settings)
        assert (await client.get("/api/v1/books")).json()["total"] == len(DemoShop.read().books)


async def test_a_second_load_is_refused_and_changes_nothing(
    settings: Settings, empty_database_url: str
) -> None:
    await load(settings)
    before = await count(empty_database_url, "items")

    with pytest.raises(DatabaseNotEmpty):
        await load(settings)

    assert await count(empty_database_url, "items") == before


async def test_of_two_loads_at_once_one_is_refused(settings: Settings, empty_database_url: str) -> None:
    outcomes = await asyncio.gather(load(settings), load(settings), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {DemoShop, DatabaseNotEmpty}
    assert await count(empty_database_url, "users") == len(ACCOUNTS)


async def test_a_load_that_is_broken_off_leaves_nothing(settings: Settings, empty_database_url: str) -> None:
    def break_off(what: str, done: int, total: int) -> None:
        del what
        if done > total / 2:
            raise KeyError("a plug was pulled")

    with pytest.raises(KeyError):
        async with transaction_on(settings) as session:
            await load_demo(session, settings, break_off)

    for table in ("users", "items", "books", "authors", "series", "categories", "stock_movements"):
        assert await count(empty_database_url, table) == 0
    await load(settings)


async def test_production_is_refused(servers: Servers, empty_database_url: str) -> None:
    with pytest.raises(DemoRefused, match="ENVIRONMENT=development"):
        await load(settings_for(servers, empty_database_url))

    assert await count(empty_database_url, "users") == 0


async def test_accounts_share_the_password_but_not_its_hash(shop_url: str) -> None:
    connection = await asyncpg.connect(shop_url.replace("+asyncpg", ""))
    hashes = [row["password_hash"] for row in await connection.fetch("SELECT password_hash FROM users")]
    await connection.close()

    assert len(set(hashes)) == len(ACCOUNTS)
    for hashed in hashes:
        assert await verify_password(PASSWORD, hashed) == (True, None)
