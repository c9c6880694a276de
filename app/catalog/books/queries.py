"""SQL of what an answer shows beside its books."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import Author, Book, Item, Work
from app.core.db.queries import AnyRow


async def list_works(connection: AsyncConnection, ids: Collection[int]) -> Sequence[AnyRow]:
    """These works."""
    return (await connection.execute(select(Work.id, Work.title).where(Work.id.in_(ids)))).all()


async def list_editions(connection: AsyncConnection, work_ids: Collection[int]) -> Sequence[AnyRow]:
    """The editions of these works, oldest first."""
    statement = (
        select(
            Book.work_id,
            Item.id,
            Book.isbn13.label("isbn"),
            Item.title,
            Book.format,
            Book.language,
            Book.year,
            Item.price,
            Item.currency,
        )
        .join(Item, Item.id == Book.item_id)
        .where(Book.work_id.in_(work_ids))
        .order_by(Book.year.nulls_last(), Item.id)
    )
    return (await connection.execute(statement)).all()


async def list_authors(connection: AsyncConnection, ids: Collection[int]) -> Sequence[AnyRow]:
    """These authors."""
    columns = (Author.id, Author.name, Author.sort_name, Author.aliases, Author.version)
    statement = select(*columns, Author.created_at, Author.updated_at).where(Author.id.in_(ids))
    return (await connection.execute(statement)).all()
