"""What queries share: one page of a list, with its total, in one statement."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

import orjson
from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    FromClause,
    Row,
    Select,
    SQLColumnExpression,
    Text,
    all_,
    and_,
    any_,
    bindparam,
    cast,
    func,
    not_,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement, Executable

from app.core.db.paging import COUNTED_EXACTLY, Found, Window
from app.core.db.sorting import Order

AnyRow = Row[*tuple[Any, ...]]
Connect = Callable[[], AbstractAsyncContextManager[AsyncConnection]]
"""Opens a connection for a read."""
Joining = Callable[[FromClause, ColumnElement[int]], FromClause]
"""Joins the tables of a row's columns to the page of ids."""

snapshot_text: ColumnElement[str] = cast(func.pg_current_snapshot(), Text).label("snapshot")
"""The statement's own snapshot, for `core.cache.Snapshot`."""

SAMPLE_RANGE = 2**31
"""Sample hashes lie from 0 up to this."""

FEW = 500
"""Of so many matches or fewer a page is cut after sorting them all."""

_KEY = "key_{index}"


@dataclass(frozen=True, slots=True)
class Counted:
    """What matches, and one row that counts it: `total` of a sample up to `last_sample`, NULL for of all.

    Where `FEW` match at most, the page is cut out of `few`, those that were counted. What filters let through
    together is often less than the planner expects of each, and in search of it an index that is in the order of
    the list would be walked from end to end.
    """

    ids: Select[int]
    counted: CTE
    few: Select[int]

    @classmethod
    def of(cls, ids: Select[int]) -> Self:
        """Count the ids themselves, up to where totals are exact."""
        matched = ids.limit(COUNTED_EXACTLY + 1).cte("matched")
        [id_], [matched_id] = ids.selected_columns, matched.c
        return cls(ids, _count(matched).cte("counted"), ids.where(is_among(id_, matched_id)))


async def find_page(
    connection: AsyncConnection,
    matching: Select[int] | Counted,
    order: Order,
    window: Window,
    columns: Sequence[SQLColumnExpression[Any]],
    join: Joining | None = None,
) -> Found[AnyRow]:
    """Find the window's rows and how many match in all; `matching` selects the ids of all that match.

    The columns are those of the table whose ids these are; where other tables have some, `join` joins all of
    them to the page. The page of ids is cut first, so that the columns of skipped rows are never computed.
    """
    counted: FromClause
    if isinstance(matching, Counted):
        ids, counted = matching.ids, matching.counted
        page = _page_of_counted(matching, order, window)
    else:
        ids = matching
        counted = _count(ids.limit(COUNTED_EXACTLY + 1).subquery()).subquery("counted")
        page = page_of_ids(ids, order, window)
    keys = page_keys(page, order)
    source: FromClause = counted.outerjoin(page, true())
    if join is None:
        [table] = ids.columns_clause_froms
        source = source.outerjoin(table, table.c.id == page.c.id)
    else:
        source = join(source, page.c.id)
    statement = (
        select(counted.c.total, counted.c.last_sample, snapshot_text, *keys, *columns)
        .select_from(source)
        .order_by(*page_order(page, order))
    )
    rows = (await connection.execute(statement)).all()
    total, last_sample = rows[0].total, rows[0].last_sample
    is_estimate = total > COUNTED_EXACTLY or last_sample is not None
    if last_sample is not None:
        total = population(total, last_sample)
    elif is_estimate:
        total = max(int(total), await planned_rows(connection, ids))
    present = [row for row in rows if row.id is not None]
    shown = present[: window.limit]
    return Found(
        rows=shown,
        total=total,
        total_is_estimate=is_estimate,
        snapshot=rows[0].snapshot,
        last=[getattr(shown[-1], key.name) for key in keys] if shown else (),
        has_next=len(present) > window.limit,
    )


def _count(rows: FromClause) -> Select[int, None]:
    return select(func.count().label("total"), null().label("last_sample")).select_from(rows)


def is_among(id_: SQLColumnExpression[int], counted: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether it is one of the ids that were counted, as long as they are few."""
    some = select(counted).limit(FEW).scalar_subquery()
    # An array: of a subquery the planner would expect thousands, and read the whole table.
    return id_ == any_(func.array(some, type_=ARRAY(BigInteger)))


def _page_of_counted(matching: Counted, order: Order, window: Window) -> FromClause:
    # PostgreSQL looks at the one part alone to which this says yes.
    is_few = (matching.counted.c.total <= FEW) & matching.counted.c.last_sample.is_(None)
    few, many = (
        page_of_ids(ids.where(select(is_it).scalar_subquery()), order, window)
        for ids, is_it in ((matching.few, is_few), (matching.ids, not_(is_few)))
    )
    return union_all(select(few), select(many)).subquery("page")


def population(found: int, last_sample: int) -> int:
    """How many rows there are when `found` ones have a hash up to `last_sample`."""
    return max(found, found * SAMPLE_RANGE // (last_sample + 1))


def fixed(value: str | float | Decimal) -> ColumnElement[Any]:
    """A value in the statement's text instead of a parameter, where the plan depends on it."""
    return bindparam(None, value, literal_execute=True)


def contains_folded(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Whether a folded column contains the text, whatever its case and accents. Wildcards are literal."""
    return column.like(containing(func.fold(text)))


def has_name_words(column: SQLColumnExpression[str], text: str) -> ColumnElement[bool]:
    """Whether a column made by the database's `name_words` has every word of the text, in whatever order.

    A word may be a part of one, or two of them; of one or two letters it is the beginning of one. The longest goes
    through the index, as one word and as two.
    """
    patterns = func.name_patterns(text, type_=ARRAY(Text))
    longest = func.name_spellings(patterns[1], type_=ARRAY(Text))
    in_one_word = func.replace(column, " ", "")
    return and_(column.like(any_(longest)), func.concat(column, in_one_word).like(all_(patterns)))


def containing(folded: ColumnElement[str]) -> ColumnElement[str]:
    """The LIKE pattern of what contains this folded text.

    Wildcards are escaped after folding, which turns full-width ones into live ones.
    """
    for wildcard in ("\\", "%", "_"):
        folded = func.replace(folded, wildcard, "\\" + wildcard)
    return func.concat("%", folded, "%")


def page_of_ids(matching: Select[*tuple[Any, ...]], order: Order, window: Window) -> FromClause:
    """Cut the window, and one row more, out of what matches; with the keys of the order."""
    keys = [column.label(_KEY.format(index=index)) for index, (column, _) in enumerate(order.keys)]
    statement: Select[Any] = matching.add_columns(*keys).order_by(*order.clauses()).limit(window.limit + 1)
    if window.after is not None:
        statement = statement.where(order.after(window.after))
    elif window.skip:
        statement = statement.offset(window.skip)
    return statement.subquery("page")


def page_keys(page: FromClause, order: Order) -> list[ColumnElement[Any]]:
    """The keys that `page_of_ids` gave the page."""
    return [page.c[_KEY.format(index=index)] for index in range(len(order.keys))]


def page_order(page: FromClause, order: Order) -> list[ColumnElement[Any]]:
    """The order of the page's rows, for ORDER BY."""
    keys = zip(page_keys(page, order), order.keys, strict=True)
    return [key.desc() if is_descending else key.asc() for key, (_, is_descending) in keys]


class _Explain(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(_Explain)
def _compile_explain(element: _Explain, compiler: SQLCompiler, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **options)


async def planned_rows(connection: AsyncConnection, matching: Select[Any]) -> int:
    """How many rows the planner expects: an estimate from statistics, at the cost of planning alone."""
    plan = (await connection.execute(_Explain(matching))).scalar_one()
    parsed = orjson.loads(plan) if isinstance(plan, str) else plan
    planned: int = parsed[0]["Plan"]["Plan Rows"]
    return planned
