"""SQL of the category tree."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    SQLColumnExpression,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.index.criteria import as_id
from app.catalog.models import BookCategory, Category
from app.core.db.queries import AnyRow, snapshot_text

TREE_LOCK = 0x63617465676F7279
"""The advisory lock that every write of the tree takes first."""


def _depth(path: SQLColumnExpression[str]) -> ColumnElement[int]:
    return func.cardinality(func.string_to_array(path, "/"), type_=Integer)


def _link(category: type[Category]) -> ColumnElement[Any]:
    return func.jsonb_build_object(
        *("id", category.id, "name", category.name),
        *("slug", category.slug, "path", category.path),
    )


_ancestor, _child = aliased(Category), aliased(Category)
_ANCESTORS = (
    select(func.jsonb_agg(aggregate_order_by(_link(_ancestor), func.length(_ancestor.path)), type_=JSONB))
    .where(func.starts_with(Category.path, func.concat(_ancestor.path, "/")))
    .scalar_subquery()
)
_CHILDREN = (
    select(func.jsonb_agg(aggregate_order_by(_link(_child), func.fold(_child.name), _child.id), type_=JSONB))
    .where(_child.parent_id == Category.id)
    .scalar_subquery()
)
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Category.id,
    Category.name,
    Category.slug,
    Category.path,
    Category.parent_id,
    _depth(Category.path).label("depth"),
    func.coalesce(_ANCESTORS, literal([], JSONB)).label("ancestors"),
    func.coalesce(_CHILDREN, literal([], JSONB)).label("children"),
    Category.version,
    Category.created_at,
    Category.updated_at,
)


class CategoryRepository:
    """The tree in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_tree(self) -> None:
        """Hold the whole tree against other writers: two moves at once could make a cycle."""
        await self._session.execute(select(func.pg_advisory_xact_lock(TREE_LOCK)))

    async def add(self, category: Category) -> None:
        """Insert the category; a taken slug is refused at once."""
        self._session.add(category)
        await self._session.flush()

    async def find(self, key: str) -> Category | None:
        """The category with this slug or id."""
        found = await self._session.scalars(select(Category).where(_has_key(Category, key)))
        return found.one_or_none()

    async def find_parent(self, category_id: int) -> Category | None:
        """The category with this id."""
        return await self._session.get(Category, category_id)

    async def flush(self) -> None:
        """Write what is pending; a taken slug is refused at once."""
        await self._session.flush()

    async def lock_subtree(self, path: str) -> Sequence[str]:
        """The paths of the category and all below it, held against books that enter or leave them.

        In order of the ids, as books take theirs, so that neither waits for the other in a circle.
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
        """Whether the category has subcategories or books."""
        has_children = exists().where(Category.parent_id == category_id)
        has_books = exists().where(BookCategory.category_id == category_id)
        return bool(await self._session.scalar(select(or_(has_children, has_books))))

    async def delete(self, category: Category) -> None:
        """Delete the category."""
        await self._session.execute(delete(Category).where(Category.id == category.id))


async def find_category(connection: AsyncConnection, key: str) -> AnyRow | None:
    """The category with this slug or id, its ancestors and children, and the snapshot they were read in."""
    statement = select(*_COLUMNS, snapshot_text).where(_has_key(Category, key))
    return (await connection.execute(statement)).one_or_none()


async def list_tree(connection: AsyncConnection, depth: int, parent: str | None) -> Sequence[AnyRow]:
    """The categories down to `depth` levels below the parent or the root, parents before children.

    Each row holds the snapshot. Without categories there is one row without id; without such
    a parent there is none.
    """
    node = aliased(Category, name="node")
    depth_of_node = _depth(node.path)
    columns = (node.id, node.name, node.slug, node.path, node.parent_id, depth_of_node.label("depth"))
    statement = select(*columns, snapshot_text).order_by(depth_of_node, func.fold(node.name), node.id)
    if parent is None:
        start = select(literal(1)).subquery("start")
        statement = statement.select_from(start).outerjoin(node, depth_of_node <= depth)
    else:
        root = aliased(Category, name="root")
        is_below = func.starts_with(node.path, func.concat(root.path, "/"))
        in_reach = depth_of_node <= _depth(root.path) + depth
        statement = (
            statement.select_from(root).outerjoin(node, is_below & in_reach).where(_has_key(root, parent))
        )
    return (await connection.execute(statement)).all()


def _has_key(category: type[Category], key: str) -> ColumnElement[bool]:
    # Slugs have a letter, so digits alone are an id.
    category_id = as_id(key)
    return category.slug == key if category_id is None else category.id == category_id


def _is_below(path: str) -> ColumnElement[bool]:
    # Slugs hold no wildcard; the constant prefix lets the index on `path` serve.
    return Category.path.like(f"{path}/%")
