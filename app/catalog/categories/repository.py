"""SQL of the category tree."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.categories.queries import has_key
from app.catalog.models import BookCategory, Category
from app.core.db.locks import AdvisoryLock, acquire


class CategoryRepository:
    """Writes and locks categories, alone, as subtrees or as the whole tree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_tree(self) -> None:
        """Lock the whole tree against other writers: two moves at once could make a cycle."""
        await self._session.execute(acquire(AdvisoryLock.CATEGORY_TREE))

    async def add(self, category: Category) -> None:
        """Insert the category; a taken slug is refused at once."""
        self._session.add(category)
        await self._session.flush()

    async def find(self, key: str) -> Category | None:
        """Find the category with this slug or id."""
        found = await self._session.scalars(select(Category).where(has_key(Category, key)))
        return found.one_or_none()

    async def find_parent(self, category_id: int) -> Category | None:
        """Find the category with this id."""
        return await self._session.get(Category, category_id)

    async def flush(self) -> None:
        """Write what is pending; a taken slug is refused at once."""
        await self._session.flush()

    async def lock_subtree(self, path: str) -> Sequence[str]:
        """Lock the category and all below it against items that enter or leave them; their paths.

        In order of the ids, as books take theirs, so that the two cannot deadlock.
        """
        statement = (
            select(Category.path)
            .where(or_(Category.path == path, _is_below(path)))
            .order_by(Category.id)
            .with_for_update()
        )
        return (await self._session.scalars(statement)).all()

    async def move_descendants(self, old: str, new: str) -> None:
        """Give everything below the path `old` its place below `new`."""
        await self._session.execute(
            update(Category)
            .where(_is_below(old))
            .values(
                path=func.concat(new, func.substr(Category.path, len(old) + 1)),
                version=Category.version + 1,
                updated_at=func.now(),
            ),
            execution_options={"synchronize_session": False},
        )

    async def is_in_use(self, category_id: int) -> bool:
        """Tell whether the category has subcategories or items."""
        has_children = exists().where(Category.parent_id == category_id)
        has_items = exists().where(BookCategory.category_id == category_id)
        return bool(await self._session.scalar(select(or_(has_children, has_items))))

    async def delete(self, category: Category) -> None:
        """Delete the category."""
        await self._session.execute(delete(Category).where(Category.id == category.id))


def _is_below(path: str) -> ColumnElement[bool]:
    # Slugs hold no wildcard; the constant prefix lets the index on `path` serve.
    return Category.path.like(f"{path}/%")
