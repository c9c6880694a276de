"""A shop with some rows and files, a place for its backups, and empty places to restore into."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.core.db.engine import Database
from app.core.events.events import HandlerContext
from app.core.mail import make_mailer
from app.core.outbound import Outbound
from app.core.redis import make_redis
from app.core.settings.settings import Settings
from app.core.storage.storage import StorageHolder, make_storage
from app.ops.backups.age import new_key
from app.ops.backups.making import make_backup
from app.ops.backups.manifest import Manifest
from app.ops.backups.restoring import Restore
from app.ops.backups.target import BackupTarget
from devstack import Servers
from tests.conftest import DatabaseMaker, settings_for

FILES = {
    "covers/small.webp": b"small",
    "covers/empty.webp": b"",
    "documents/block.pdf": bytes(512),
    "imports/long.csv": secrets.token_bytes(3 * 1024 * 1024 + 17),
    f"documents/{'long-' * 30}name-ü.pdf": b"named at length",
}

NOWHERE = {"url": "smtp://127.0.0.1:1"}


@dataclass
class Shop:
    """One database with its store of files, and where its backups go."""

    settings: Settings
    database: Database = field(init=False)

    def __post_init__(self) -> None:
        self.database = Database(self.settings.database)

    async def ask(self, statement: str, **values: object) -> Any:
        """One value of the database."""
        async with self.database.reading() as connection:
            return await connection.scalar(text(statement), values)

    async def tell(self, statement: str, **values: object) -> None:
        """One statement, committed."""
        async with self.database.sessions.begin() as session:
            await session.execute(text(statement), values)

    async def add_items(self, count: int) -> None:
        """Items of a seller, which is made with the first ones."""
        await self.tell(
            "INSERT INTO users (username, email, email_key, password_hash, role)"
            " VALUES ('seller', 's@example.com', 's@example.com', 'x', 'user') ON CONFLICT DO NOTHING"
        )
        await self.tell(
            "INSERT INTO items (kind, title, price, currency, owner_id)"
            " SELECT 'stationery', 'Pen ' || n, 1, 'EUR', min(u.id)"
            " FROM users u, generate_series(1, :count) n GROUP BY n",
            count=count,
        )

    async def back_up(self) -> Manifest:
        """Make a backup."""
        return await make_backup(self.settings, self.database.sessions.begin)

    async def restore(self, backup: Manifest, *, replaces: bool = False) -> None:
        """Bring it back as the command does."""
        run = Restore(self.settings, backup)
        await run.refuse_what_is_unsafe(self.database, replaces=replaces)
        await run.check()
        await run.run(replaces=replaces)

    async def backups(self) -> list[Manifest]:
        """Those that count."""
        return await BackupTarget(self.settings.backup).list()

    async def files(self) -> dict[str, bytes]:
        """Everything in the store of files."""
        storage = make_storage(self.settings.storage)
        return {file.name: await storage.read(file.name) async for file in storage.list("")}

    async def has_tables(self) -> bool:
        """Whether anything is in the database."""
        return bool(await self.ask("SELECT to_regclass('public.users') IS NOT NULL"))


OpenShop = Callable[..., Shop]


@pytest.fixture(scope="session")
def keys() -> tuple[str, str]:
    """The public key and the secret one."""
    return new_key()


@pytest.fixture
async def open_shop(servers: Servers, tmp_path: Path, keys: tuple[str, str]) -> AsyncIterator[OpenShop]:
    """Gives a shop on a database, with files of its own and the backups of all of them."""
    opened: list[Shop] = []

    def make(database: str, **backup: object) -> Shop:
        place = {"url": (tmp_path / "backups").as_uri(), "key": keys[1], **backup}
        files = {"url": (tmp_path / f"files-{len(opened)}").as_uri()}
        opened.append(Shop(settings_for(servers, database, storage=files, backup=place, mail=NOWHERE)))
        return opened[-1]

    yield make
    for shop in opened:
        await shop.database.close()


@pytest.fixture
async def shop(open_shop: OpenShop, make_database: DatabaseMaker) -> AsyncIterator[Shop]:
    """A shop with a seller, a hundred items and some files."""
    with make_database() as url:
        source = open_shop(url)
        await source.add_items(100)
        storage = make_storage(source.settings.storage)
        for name, content in FILES.items():
            await storage.put(name, content)
        yield source
        await source.database.close()


@pytest.fixture
def empty_shop(open_shop: OpenShop, blank_database_url: str) -> Shop:
    """Nothing yet, and the same place of backups."""
    return open_shop(blank_database_url)


@asynccontextmanager
async def meanwhile(work: Callable[[], Any]) -> AsyncIterator[None]:
    """Repeat the work while the block lasts."""

    async def repeat() -> None:
        while True:
            await work()

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def context_of(shop: Shop) -> AsyncIterator[HandlerContext]:
    """What the worker gives to handlers that reach out."""
    redis, settings = make_redis(shop.settings.redis), shop.settings
    storage = StorageHolder(settings.storage)
    yield HandlerContext(
        shop.database.sessions.begin,
        make_mailer(settings),
        settings,
        storage,
        redis,
        Outbound(settings.outbound),
    )
    await redis.aclose()
