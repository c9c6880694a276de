"""Reads of the category tree for display, and what finds a category by its key."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, SQLColumnExpression, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.categories.errors import no_category
from app.catalog.categories.schemas import CategoryNode, CategoryOut, CategoryTree, TreeFilter
from app.catalog.index.criteria import as_id
from app.catalog.models import Category
from app.core.db.queries import AnyRow, snapshot_text
from app.core.http.responses import ReadResult, answer_number, version_etag


def _depth(path: SQLColumnExpression[str]) -> ColumnElement[int]:
    return func.cardinality(func.string_to_array(path, "/"), type_=Integer)


def _link(category: type[Category]) -> ColumnElement[Any]:
    return func.jsonb_build_object(
        "id", category.id, "name", category.name, "slug", category.slug, "path", category.path
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


class FoundCategory(NamedTuple):
    """A category that exists, and the snapshot in which it does."""

    id: int
    snapshot: str


def has_key(category: type[Category], key: str) -> ColumnElement[bool]:
    """The condition that the category has this slug or id."""
    # Slugs have a letter, so digits alone are an id.
    category_id = as_id(key)
    return category.slug == key if category_id is None else category.id == category_id


async def find_category(connection: AsyncConnection, key: str) -> FoundCategory:
    """Find the category by slug or id. Raises CategoryNotFound."""
    found = await connection.execute(select(Category.id, snapshot_text).where(has_key(Category, key)))
    row = found.one_or_none()
    if row is None:
        raise no_category(key)
    return FoundCategory(*row)


async def get_category(connection: AsyncConnection, key: str) -> ReadResult:
    """Read one category, by slug or id, with ancestors and children. Raises CategoryNotFound."""
    statement = select(*_COLUMNS, snapshot_text).where(has_key(Category, key))
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise no_category(key)
    category = CategoryOut.model_validate(row)
    # Ancestors and children change without a new version of the row.
    return ReadResult(category, row.snapshot, version_etag(category.version, answer_number(category)))


async def get_tree(connection: AsyncConnection, query: TreeFilter) -> ReadResult:
    """Read the tree, or what stands below one category. Raises CategoryNotFound."""
    rows = await _list_nodes(connection, query.depth, query.parent)
    if not rows:
        raise no_category(query.parent or "")
    nodes: dict[int, CategoryNode] = {}
    tops: list[CategoryNode] = []
    for row in rows:
        if row.id is None:
            continue
        node = nodes[row.id] = CategoryNode.model_validate(row)
        parent = nodes.get(row.parent_id)
        (tops if parent is None else parent.children).append(node)
    return ReadResult(CategoryTree(items=tops), rows[0].snapshot)


async def _list_nodes(connection: AsyncConnection, depth: int, parent: str | None) -> Sequence[AnyRow]:
    """The categories down to `depth` levels below the parent or the root, parents before children.

    Each row has the snapshot. Without categories there is one row without id; without such
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
            statement.select_from(root).outerjoin(node, is_below & in_reach).where(has_key(root, parent))
        )
    return (await connection.execute(statement)).all()
