"""What repositories share: one page of a list, with its total, in one statement."""

from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, FromClause, Row, Select, SQLColumnExpression, func, select, true
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable

from app.core.db import snapshot_text
from app.core.paging import COUNTED_EXACTLY, Found, Window
from app.core.sorting import Order

AnyRow = Row[*tuple[Any, ...]]
Joining = Callable[[FromClause, ColumnElement[int]], FromClause]
"""Joins the tables that hold a row's columns to the page of ids."""

_KEY = "key_{index}"


async def find_page(
    connection: AsyncConnection,
    matching: Select[int],
    order: Order,
    window: Window,
    columns: Sequence[SQLColumnExpression[Any]],
    join: Joining,
) -> Found[AnyRow]:
    """The window's rows and how many match in all; `matching` selects the ids of all that match.

    The page of ids is cut first, so that the columns of skipped rows are never computed.
    """
    capped = matching.limit(COUNTED_EXACTLY + 1).subquery()
    counted = select(func.count().label("total")).select_from(capped).subquery("counted")
    page = _page_of_ids(matching, order, window)
    keys: list[ColumnElement[Any]] = [page.c[_KEY.format(index=index)] for index in range(len(order.keys))]
    sorted_keys = [
        key.desc() if is_descending else key.asc()
        for key, (_, is_descending) in zip(keys, order.keys, strict=True)
    ]
    source = join(counted.outerjoin(page, true()), page.c.id)
    statement = (
        select(counted.c.total, snapshot_text, *keys, *columns).select_from(source).order_by(*sorted_keys)
    )
    rows = (await connection.execute(statement)).all()
    total = rows[0].total
    is_estimate = total > COUNTED_EXACTLY
    present = [row for row in rows if row.id is not None]
    shown = present[: window.limit]
    return Found(
        rows=shown,
        total=max(total, await _estimate(connection, matching)) if is_estimate else total,
        total_is_estimate=is_estimate,
        snapshot=rows[0].snapshot,
        last=[getattr(shown[-1], key.name) for key in keys] if shown else (),
        has_next=len(present) > window.limit,
    )


def contains_folded(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Whether a folded column contains the text, whatever its case and accents. Wildcards are literal."""
    # Escaped after folding, which turns full-width wildcards into live ones.
    literal: ColumnElement[str] = func.fold(text)
    for wildcard in ("\\", "%", "_"):
        literal = func.replace(literal, wildcard, "\\" + wildcard)
    return column.like(func.concat("%", literal, "%"))


def _page_of_ids(matching: Select[int], order: Order, window: Window) -> FromClause:
    keys = [column.label(_KEY.format(index=index)) for index, (column, _) in enumerate(order.keys)]
    statement: Select[Any] = matching.add_columns(*keys).order_by(*order.clauses()).limit(window.limit + 1)
    if window.after is not None:
        statement = statement.where(order.after(window.after))
    elif window.skip:
        statement = statement.offset(window.skip)
    return statement.subquery("page")


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _compile_explain(element: _Explain, compiler: SQLCompiler, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **options)


async def _estimate(connection: AsyncConnection, matching: Select[int]) -> int:
    plan = (await connection.execute(_Explain(matching))).scalar_one()
    parsed = orjson.loads(plan) if isinstance(plan, str) else plan
    return int(parsed[0]["Plan"]["Plan Rows"])
