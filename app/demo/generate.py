"""Loads invented books, as many as one likes, into a database that has the demo in it."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.names import sort_name
from app.catalog.imports.writer import Owner
from app.catalog.models import Book, Category, MovementKind
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.driver import driver_connection, reserve_ids
from app.core.settings.settings import Settings
from app.demo.accounts import SELLER
from app.demo.invention import ISBN_PREFIX, MOST, Invention
from app.demo.loader import DemoRefused, Report, analyze, lock_for_loading, refuse_in_production, write_books
from app.identity.models import User


async def generate_books(session: AsyncSession, settings: Settings, count: int, report: Report) -> None:
    """Add `count` invented books, sold by the demo's seller; unseen until the commit. Raises DemoRefused."""
    refuse_in_production(settings)
    await lock_for_loading(session)
    seller = await session.scalar(select(User.id).where(User.username == SELLER.username))
    categories = list(await session.scalars(select(Category.id).order_by(Category.id)))
    if seller is None or not categories:
        raise DemoRefused("the demo is not there yet: run `bookstore demo` first.")
    invention = Invention(count, await _next_number(session, count))
    driver = await driver_connection(session)
    # All are new, namesakes among them, so nobody is looked up.
    authors = await reserve_ids(driver, "authors", len(invention.authors))
    series = await reserve_ids(driver, "series", len(invention.series))
    named = [(id_, name, sort_name(name)) for id_, name in zip(authors, invention.authors, strict=True)]
    await driver.copy_records_to_table("authors", columns=("id", "name", "sort_name"), records=named)
    called = list(zip(series, invention.series, strict=True))
    await driver.copy_records_to_table("series", columns=("id", "name"), records=called)
    owner = Owner(seller, settings.currency, MovementKind.INITIAL)
    books = invention.books(authors, series, categories)
    await write_books(session, owner, books, count, report)
    await analyze(session)
    invalidate(session, EVERYTHING)


async def _next_number(session: AsyncSession, count: int) -> int:
    highest = await session.scalar(select(func.max(Book.isbn13)).where(Book.isbn13.like(f"{ISBN_PREFIX}%")))
    first = int(highest[len(ISBN_PREFIX) : -1]) + 1 if highest else 0
    if first + count > MOST:
        raise DemoRefused(f"there are numbers for {MOST - first:,} more invented books.")
    return first
