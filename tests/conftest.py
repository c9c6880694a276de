"""Servers of one test process, a migrated template database, and the real application on it."""

import asyncio
import gc
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import hypothesis
import pytest
import redis
from alembic.config import Config
from fastapi import FastAPI
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker

from alembic import command
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.events.events import OutboxEvent
from app.core.settings.groups import DatabaseSettings
from app.core.settings.settings import Settings, load_settings
from app.identity import passwords
from app.identity.emails import email_key
from app.identity.models import AuthSession, User
from app.identity.permissions import Role, permissions_of
from app.identity.tokens import Grant
from app.main import create_app
from devstack import Servers, throwaway_servers

ROOT = Path(__file__).parents[1]
TEMPLATE = "template_bookstore"
PASSWORD = "Correct-horse-1!"
# The hash of PASSWORD at the lowest cost.
PASSWORD_HASH = (
    "$argon2id$v=19$m=8,t=1,p=1$aI2xdu4dwzgHAGAMYQyBcA$OCDI30AH0KV1ikdua9vrcn2gOAPrpoRc042xM5cLjP8"
)
PUBLIC_URL = "https://localhost:8000"
INTERNAL_PORT = 8001
JWT_SECRET = "a-secret-of-the-test-suite-and-of-nothing-else-as-long-as-sha512-wants-it"

# How long an example takes says nothing where others use the machine too.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

# A look through everything for garbage stops the process for up to two seconds: there is memory enough for fewer of them.
gc.set_threshold(700, 10, 100)

_numbers = itertools.count(1)


def pytest_collection_finish() -> None:
    """Leave the tests and all that they import out of those looks."""
    gc.freeze()


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that is logged in."""

    id: int
    username: str
    headers: dict[str, str]


SignUp = Callable[..., Awaitable[Caller]]
Audit = Callable[..., Awaitable[list[dict[str, Any]]]]
DatabaseMaker = Callable[[], AbstractContextManager[str]]


def pytest_configure() -> None:
    """No `.env` of the checkout reaches the tests, nor the programs that they start."""
    os.environ["DOTENV"] = ""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One event loop for the whole process, so that the application can be shared."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Argon2id at its lowest cost: a thousand tests log in. What hashing costs has tests of its own."""
    cheap = {"argon2__memory_cost": 8, "argon2__rounds": 1, "argon2__parallelism": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_context", passwords._context.copy(**cheap))  # noqa: SLF001 (its cost alone changes)
        patch.setattr(passwords, "_NOBODY", PASSWORD_HASH.replace("OCDI30", "AAAAAA"))
        yield


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and Redis of this test process; a test that stops one starts it again."""
    with throwaway_servers(in_memory=True) as running:
        yield running


@pytest.fixture(scope="session")
def template_database(servers: Servers) -> str:
    """The name of a database migrated by Alembic, for cloning."""
    run_sql(servers, f"CREATE DATABASE {TEMPLATE}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", servers.postgres.url(TEMPLATE))
        command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
    return TEMPLATE


@pytest.fixture(scope="session")
def make_database(servers: Servers, template_database: str) -> DatabaseMaker:
    """Clones the migrated database; at the end the clone is dropped, and Redis emptied of what went with it."""

    @contextmanager
    def make() -> Iterator[str]:
        name = f"clone_{next(_numbers)}"
        # A copy of its files: the default writes every page anew, at seven times the cost.
        run_sql(servers, f"CREATE DATABASE {name} TEMPLATE {template_database} STRATEGY FILE_COPY")
        try:
            yield servers.postgres.url(name)
        finally:
            run_sql(servers, f"DROP DATABASE {name} WITH (FORCE)")
            with redis.Redis.from_url(servers.redis_url) as shared:
                shared.flushdb()

    return make


@pytest.fixture
def empty_database_url(make_database: DatabaseMaker) -> Iterator[str]:
    """A migrated database of the test's own, for real commits."""
    with make_database() as url:
        yield url


class OneTransaction(Database):
    """A database whose sessions are savepoints in one connection's transaction while that is set; not `background`'s."""

    def __init__(self, settings: DatabaseSettings) -> None:
        super().__init__(settings)
        self.outer: AsyncConnection | None = None
        self.background: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """The connection that is set, for one statement; without one, as the application's."""
        if self.outer is not None and asyncio.current_task() not in self.background:
            yield self.outer
            return
        async with super().reading() as connection:
            yield connection

    @contextmanager
    def inside(self, outer: AsyncConnection) -> Iterator[None]:
        """Put every session and every read into that connection's transaction, for this block."""
        factories = (self.sessions, self.read_sessions)
        bound = async_sessionmaker(outer, expire_on_commit=False, join_transaction_mode="create_savepoint")
        self.outer = outer
        self.sessions, self.read_sessions = bound, bound
        try:
            yield
        finally:
            self.outer = None
            self.sessions, self.read_sessions = factories


@pytest.fixture(scope="session")
async def app(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[FastAPI]:
    """The production application, shared by all tests that are rolled back."""
    with make_database() as url:
        settings = settings_for(servers, url)
        database = OneTransaction(settings.database)
        before = asyncio.all_tasks()
        async with running_app(settings, database) as application:
            database.background = asyncio.all_tasks() - before
            gc.freeze()
            yield application


@pytest.fixture
async def connection(app: FastAPI) -> AsyncIterator[AsyncConnection]:
    """The outer transaction of one test: the application's sessions become savepoints in it."""
    database: OneTransaction = app.state.database
    async with database.engine.connect() as outer:
        transaction = await outer.begin()
        with database.inside(outer):
            yield outer
        await transaction.rollback()
    app.state.cache.connection_changed()
    await app.state.redis.flushdb()


@pytest.fixture
async def session(connection: AsyncConnection) -> AsyncIterator[AsyncSession]:
    """A session for arranging what the API has no way to arrange."""
    async with AsyncSession(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    ) as arranging:
        yield arranging


@pytest.fixture
async def client(app: FastAPI, connection: AsyncConnection) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the application; what the test writes is rolled back."""
    del connection
    async with client_of(app) as http:
        yield http


@pytest.fixture
def sign_up(app: FastAPI, session: AsyncSession) -> SignUp:
    """Makes accounts that are logged in: `await sign_up(Role.ADMIN)`."""

    async def make(role: Role = Role.USER, username: str | None = None) -> Caller:
        return await make_account(app, session, role, username)

    return make


@pytest.fixture
async def audit(client: httpx.AsyncClient, sign_up: SignUp) -> Audit:
    """Reads the audit log as an administrator: `await audit(action="user.changed")`."""
    return partial(audit_entries, client, await sign_up(Role.ADMIN))


@pytest.fixture
async def seller(sign_up: SignUp) -> Caller:
    """An ordinary user."""
    return await sign_up()


@pytest.fixture
async def moderator(sign_up: SignUp) -> Caller:
    """A moderator."""
    return await sign_up(Role.MODERATOR)


@pytest.fixture
async def live_app(servers: Servers, empty_database_url: str) -> AsyncIterator[FastAPI]:
    """An application that really commits, on a database of its own."""
    async with running_app(settings_for(servers, empty_database_url)) as application:
        yield application


@pytest.fixture
async def live_client(live_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the application that really commits."""
    async with client_of(live_app) as http:
        yield http


@pytest.fixture
def live_sign_up(live_app: FastAPI) -> SignUp:
    """As `sign_up`, committed."""

    async def make(role: Role = Role.USER, username: str | None = None) -> Caller:
        async with live_app.state.database.sessions.begin() as arranging:
            return await make_account(live_app, arranging, role, username)

    return make


def run_sql(servers: Servers, statement: str) -> None:
    """One statement outside any transaction, such as CREATE DATABASE."""
    ask_sql(servers.database_url, statement)


def ask_sql(url: str, statement: str) -> Any:
    """The first value that the database at this address answers to a statement outside any transaction."""

    async def run() -> Any:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    # In a thread of its own: fixtures of both kinds, with and without a running loop, call this.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


@pytest.fixture
def blank_database_url(servers: Servers) -> Iterator[str]:
    """A database without anything in it, not even a schema of ours."""
    name = f"blank_{secrets.token_hex(4)}"
    run_sql(servers, f"CREATE DATABASE {name}")
    yield servers.postgres.url(name)
    run_sql(servers, f"DROP DATABASE {name} WITH (FORCE)")


def settings_for(servers: Servers, database_url: str, **overrides: object) -> Settings:
    """Production settings on the test servers, with limits out of the way."""
    values: dict[str, object] = {
        "environment": "production",
        "public_url": PUBLIC_URL,
        "allowed": {"hosts": "testserver, 127.0.0.1"},
        "internal_port": INTERNAL_PORT,
        # A busy machine is slow, not wrong: a test's own transaction may lie idle for long.
        "database": {
            "url": database_url,
            "pool_size": 5,
            "read_pool_size": 5,
            "pool_timeout": 60,
            "connect_timeout": 60,
            "statement_timeout": 120,
            "search_timeout": 60,
        },
        "redis": {"url": servers.redis_url, "timeout": 10},
        "storage": {"url": servers.files.as_uri()},
        "jwt": {"secret": JWT_SECRET},
        "rate_limit": {"factor": 100},
        "payments": {"fake": True, "fake_delay": 0},
        "log": {"level": "WARNING"},
        "docs_enabled": True,
    }
    return load_settings(**(values | overrides))


@asynccontextmanager
async def running_app(settings: Settings, database: Database | None = None) -> AsyncIterator[FastAPI]:
    """The application between start-up and shutdown, with its cache bus connected."""
    application = create_app(settings, database)
    async with application.router.lifespan_context(application):
        async with asyncio.timeout(60):
            while not application.state.cache.is_connected:
                await asyncio.sleep(0.01)
        yield application


def client_of(
    application: FastAPI, address: str = "127.0.0.1", base_url: str = "http://testserver"
) -> httpx.AsyncClient:
    """An HTTP client that calls the application in this process, from this address."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url=base_url)


async def audit_entries(
    client: httpx.AsyncClient, auditor: Caller, **filters: str | int
) -> list[dict[str, Any]]:
    """What the audit log has of these, the oldest first, as an administrator reads it."""
    query = {"limit": 100, **filters}
    answer = await client.get("/api/v1/admin/audit", params=query, headers=auditor.headers)
    return list(reversed(answer.raise_for_status().json()["items"]))


async def events_of(arranging: AsyncSession, kind: str) -> list[dict[str, Any]]:
    """The payloads of the events of this type, the oldest first: they lead to mails, not to answers."""
    published = select(OutboxEvent).where(OutboxEvent.type == kind).order_by(OutboxEvent.id)
    return [event.payload for event in await arranging.scalars(published)]


async def account_of(arranging: AsyncSession, user_id: int) -> User:
    """The account as it is in the database by now."""
    return await arranging.get_one(User, user_id, populate_existing=True)


async def change_account(arranging: AsyncSession, user_id: int, **columns: object) -> None:
    """Change columns of the account beside the application, which neither ends sessions nor tells anybody."""
    await arranging.execute(update(User).where(User.id == user_id).values(**columns))


async def make_account(
    application: FastAPI, arranging: AsyncSession, role: Role = Role.USER, username: str | None = None
) -> Caller:
    """An account with PASSWORD and an access token."""
    name = username or f"{role.value}-{next(_numbers)}"
    email = f"{name}@example.com"
    user = User(
        username=name, email=email, email_key=email_key(email), password_hash=PASSWORD_HASH, role=role.value
    )
    arranging.add(user)
    await arranging.flush()
    token = await make_session(application, arranging, user)
    return Caller(user.id, name, {"Authorization": f"Bearer {token}"})


async def make_session(application: FastAPI, arranging: AsyncSession, user: User) -> str:
    """A session of the account, as a login makes it; its access token."""
    role, ends_at = Role(user.role), utc_now() + timedelta(days=1)
    scopes = sorted(permissions_of(role))
    opened = AuthSession(
        user_id=user.id, scopes=scopes, factors=["password"], device="test", ip="", expires_at=ends_at
    )
    arranging.add(opened)
    await arranging.flush()
    token, _ = application.state.tokens.issue(
        Grant(user.id, str(opened.id), role, frozenset(scopes), ends_at)
    )
    return str(token)
