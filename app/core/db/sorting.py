"""Sorting: `sort=-price,title` from a closed set of keys, always ending in the id.

In a list's query model: `sort: Annotated[list[BookSort], SplitKeys, DistinctKeys]`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from pydantic import AfterValidator, BeforeValidator
from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_, tuple_


def _split(keys: object) -> object:
    if isinstance(keys, str):
        keys = [keys]
    if isinstance(keys, Sequence):
        return [part for key in keys for part in str(key).split(",")]
    return keys


def _without_repetition(keys: Sequence[str]) -> Sequence[str]:
    names = [key.removeprefix("-") for key in keys]
    if len(set(names)) != len(names):
        raise ValueError("names a key twice")
    return keys


SplitKeys = BeforeValidator(_split)
DistinctKeys = AfterValidator(_without_repetition)


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of rows: columns with directions, the unique id last."""

    keys: tuple[tuple[ColumnElement[Any], bool], ...]

    @classmethod
    def by(
        cls,
        names: Sequence[str],
        columns: Mapping[str, SQLColumnExpression[Any]],
        unique: SQLColumnExpression[int],
    ) -> "Order":
        """The order for the requested keys; none of the columns may hold NULL.

        `columns` may name a descending key apart, as `-price`. The id follows the direction of
        the last key: an order in one direction is an index read forwards or backwards.
        """
        keys = [
            (_column(columns.get(name, columns[name.removeprefix("-")])), name.startswith("-"))
            for name in names
        ]
        return cls((*keys, (_column(unique), keys[-1][1] if keys else False)))

    def clauses(self) -> list[ColumnElement[Any]]:
        """For ORDER BY."""
        return [column.desc() if is_descending else column.asc() for column, is_descending in self.keys]

    def after(self, values: Sequence[str]) -> ColumnElement[bool]:
        """Rows that follow the row with these key values, for keyset paging; an index can start there."""
        typed = [_typed(column, value) for (column, _), value in zip(self.keys, values, strict=True)]
        first, is_first_descending = self.keys[0]
        if all(is_descending == is_first_descending for _, is_descending in self.keys):
            columns = tuple_(*(column for column, _ in self.keys))
            return columns < typed if is_first_descending else columns > typed
        alternatives: list[ColumnElement[bool]] = []
        for index, (column, is_descending) in enumerate(self.keys):
            equal = [self.keys[i][0] == typed[i] for i in range(index)]
            beyond = column < typed[index] if is_descending else column > typed[index]
            alternatives.append(and_(*equal, beyond))
        start = first <= typed[0] if is_first_descending else first >= typed[0]
        return and_(start, or_(*alternatives))


def _column(column: SQLColumnExpression[Any]) -> ColumnElement[Any]:
    return cast("ColumnElement[Any]", column)


def _typed(column: ColumnElement[Any], value: str) -> object:
    python_type = column.type.python_type
    if python_type is datetime:
        return datetime.fromisoformat(value)
    if python_type is Decimal:
        return Decimal(value)
    return python_type(value)
