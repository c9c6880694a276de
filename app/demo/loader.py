"""Loads the demo shop into an empty database, in one transaction: all of it or nothing."""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.resolver import resolve_authors
from app.catalog.books.fields import BookState
from app.catalog.goods.repository import StockLedger
from app.catalog.imports.writer import BookWriter, Owner, refresh_documents
from app.catalog.models import Author, Category, Item, MovementKind
from app.catalog.series.resolver import resolve_series
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.driver import driver_connection
from app.core.db.locks import AdvisoryLock, acquire
from app.core.settings.settings import Settings
from app.demo.accounts import ACCOUNTS, BUYERS, MODERATOR, PASSWORD, SELLER, DemoAccount
from app.demo.orders import add_orders
from app.demo.shop import DemoCategory, DemoGoods, DemoShop
from app.identity.emails import email_key
from app.identity.models import User
from app.identity.passwords import hash_password

Report = Callable[[str, int, int], None]
"""Hears what is being written, how many are in by now, and how many there will be."""

_STATEMENT_TIMEOUT = "60s"
_BATCH = 2_000
"""Books of one COPY, and of one report of progress."""
_TABLES = (
    "users",
    "categories",
    "authors",
    "series",
    "works",
    "items",
    "books",
    "contributors",
    "book_categories",
    "stock_levels",
    "stock_movements",
    "book_documents",
    "orders",
    "order_lines",
    "order_parts",
    "order_events",
    "payments",
    "invoices",
)


class DemoRefused(Exception):
    """The demo does not belong here; the text says why and what to do."""


class DatabaseNotEmpty(DemoRefused):
    """Somebody's data is there already."""


async def load_demo(session: AsyncSession, settings: Settings, report: Report) -> DemoShop:
    """Fill the empty database, rows unseen by others until the commit. Raises DemoRefused, DatabaseNotEmpty."""
    refuse_in_production(settings)
    await lock_for_loading(session)
    await _refuse_unless_empty(session)
    shop = DemoShop.read()
    accounts = await _add_accounts(session)
    owner = Owner(accounts[SELLER], settings.currency, MovementKind.INITIAL)
    categories = await _add_categories(session, shop.categories)
    authors = await resolve_authors(session, shop.people, locks_names=False)
    series = await resolve_series(session, (book.series for book in shop.books if book.series))
    books = [
        (
            book.isbn13,
            BookState(
                title=book.title,
                description=book.description,
                price=book.price,
                quantity=book.quantity,
                tags=book.tags,
                first_published=book.first_published,
                language=book.language,
                format=book.format.value,
                series_id=series.by_name[book.series].id if book.series else None,
                series_position=book.series_position,
                contributors=authors.credit([(name, role.value) for name, role in book.contributors], ()),
                category_ids=[categories[slug] for slug in book.categories],
            ),
        )
        for book in shop.books
    ]
    await write_books(session, owner, books, len(books), report)
    await _add_goods(session, owner, shop.goods)
    await add_orders(session, settings, [accounts[who] for who in BUYERS], accounts[MODERATOR])
    await analyze(session)
    invalidate(session, EVERYTHING)
    return shop


def refuse_in_production(settings: Settings) -> None:
    """Raises DemoRefused, unless the settings are those of development."""
    if settings.in_production:
        raise DemoRefused(
            "demo accounts have a public password, so they are loaded in development only:"
            " set ENVIRONMENT=development if this is no shop that anybody relies on."
        )


async def lock_for_loading(session: AsyncSession) -> None:
    """Keep other loads out until the transaction ends, and let statements take their time, and us between them."""
    # A slow machine may need longer for a batch than a request may take, and to invent a million books.
    for name, value in (
        ("statement_timeout", _STATEMENT_TIMEOUT),
        ("idle_in_transaction_session_timeout", "0"),
    ):
        await session.execute(select(func.set_config(name, value, True)))  # noqa: FBT003 (until the transaction ends)
    await session.execute(acquire(AdvisoryLock.DEMO))


async def write_books(
    session: AsyncSession, owner: Owner, books: Iterable[tuple[str, BookState]], total: int, report: Report
) -> None:
    """Write books, each with its ISBN, as an import writes them."""
    # Search documents are made by the batch, not by triggers, row by row.
    await session.execute(select(func.set_config("bookstore.defer_documents", "on", True)))  # noqa: FBT003 (as above)
    connection = await driver_connection(session)
    writer = await BookWriter.build(session, owner)
    remaining, done = iter(books), 0
    while batch := list(islice(remaining, _BATCH)):
        report("books", done, total)
        await refresh_documents(connection, await writer.create(batch))
        done += len(batch)
    report("books", done, total)


async def analyze(session: AsyncSession) -> None:
    """Tell the planner what the tables are like by now."""
    for table in _TABLES:
        await session.execute(text(f"ANALYZE {table}"))


async def _refuse_unless_empty(session: AsyncSession) -> None:
    for model in (User, Item, Author, Category):
        if await session.scalar(select(model.id).limit(1)) is not None:
            raise DatabaseNotEmpty(
                f"the database has {model.__tablename__} already, and the demo is for an empty one:"
                " name another in DATABASE_URL, or skip it with --if-empty."
            )


async def _add_accounts(session: AsyncSession) -> dict[DemoAccount, int]:
    """Add the demo accounts; the id of each."""
    hashes = await asyncio.gather(*(hash_password(PASSWORD) for _ in ACCOUNTS))
    users = {
        who: User(
            username=who.username,
            email=who.email,
            email_key=email_key(who.email),
            password_hash=hashed,
            full_name=who.full_name,
            role=who.role.value,
            is_verified=True,
        )
        for who, hashed in zip(ACCOUNTS, hashes, strict=True)
    }
    session.add_all(users.values())
    await session.flush()
    return {who: user.id for who, user in users.items()}


async def _add_categories(session: AsyncSession, tree: Iterable[DemoCategory]) -> dict[str, int]:
    """Add the tree, parents before their children; the id of each slug."""
    added: dict[str, Category] = {}
    for slug, name, above in tree:
        parent = added[above] if above else None
        path = f"{parent.path}/{slug}" if parent else slug
        added[slug] = Category(name=name, slug=slug, path=path, parent_id=parent.id if parent else None)
        session.add(added[slug])
        await session.flush()
    return {slug: category.id for slug, category in added.items()}


async def _add_goods(session: AsyncSession, owner: Owner, goods: Iterable[DemoGoods]) -> None:
    """Add what is no book."""
    stocked = [
        (
            Item(
                kind=each.kind.value,
                sku=each.sku,
                title=each.title,
                description=each.description,
                price=each.price,
                tags=each.tags,
                currency=owner.currency,
                owner_id=owner.user_id,
            ),
            each.quantity,
        )
        for each in goods
    ]
    session.add_all(item for item, _ in stocked)
    await session.flush()
    quantities = [(item.id, quantity) for item, quantity in stocked]
    await StockLedger(session).open(quantities, owner.opening, owner.user_id)
