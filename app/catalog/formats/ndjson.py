"""NDJSON: one JSON object a line, its keys understood as the headers of CSV are."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from app.catalog.formats.cells import cell_of_json
from app.catalog.formats.columns import ColumnPlan, check_mapping, choose_columns, ignored_headers, thing_of
from app.catalog.formats.decoding import TextFile
from app.catalog.formats.record import Record, RowProblem, SourceOptions
from app.catalog.formats.rows import Normaliser, complain

_LINE = "line"
"""The column of what is no object: the line as it came."""
_MOST_SHAPES = 1000
_MOST_COLUMNS = 1000
"""That are listed: objects may have as many keys as they like."""
_SAMPLED_LINES = 100


class NdjsonSource:
    """Objects of an NDJSON file, each a record; a line that is no object is a record with a problem.

    `columns` and `ignored` are those of the first lines, and grow when an object brings others.
    """

    may_empty = True

    def __init__(self, path: Path, options: SourceOptions) -> None:
        self._wanted = check_mapping(options.mapping)
        self._normaliser = Normaliser(options.currency)
        self._shapes: dict[tuple[str, ...], ColumnPlan] = {}
        self.columns: list[str] = []
        self.ignored: list[str] = []
        self._sample(path, options.encoding)
        self._file = TextFile.open(path, options.encoding)

    def __iter__(self) -> Iterator[Record]:
        """The records from the first to the last; once."""
        number = 0
        for line in self._file.lines():
            if line.isspace():
                continue
            number += 1
            yield self._record(number, line)

    def position(self) -> int:
        """How many bytes of the file were read so far."""
        return self._file.position()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _sample(self, path: Path, encoding: str | None) -> None:
        file = TextFile.open(path, encoding)
        try:
            for _, line in zip(range(_SAMPLED_LINES), file.lines(), strict=False):
                self._record(0, line)
        finally:
            file.close()

    def _record(self, number: int, line: str) -> Record:
        try:
            read = orjson.loads(line)
        except orjson.JSONDecodeError as fault:
            return self._unreadable(number, line, f"the line is not valid JSON: {fault}")
        if not isinstance(read, dict):
            return self._unreadable(number, line, "the line is not a JSON object")
        try:
            return self._understood(number, read)
        except orjson.JSONEncodeError:
            # What is read may be nested deeper than can be written.
            return self._unreadable(number, line, "the line is nested too deeply")

    def _understood(self, number: int, read: dict[str, object]) -> Record:
        record = Record(number, {})
        plan = self._plan_of(tuple(read))
        cells = {}
        for column in plan.columns:
            try:
                cells[column.header] = record.raw[column.header] = cell_of_json(
                    column.field, read[column.header]
                )
            except ValueError as refusal:
                record.raw[column.header] = _plain(read[column.header])
                complain(record, thing_of(column.field), refusal)
        for key in read.keys() - record.raw.keys():
            record.raw[key] = _plain(read[key])
        fields = {one.field: cells[one.header] for one in plan.single if one.header in cells}
        shared = {}
        for thing, columns in plan.shared.items():
            # A list says who is meant; a text beside it is how that is shown.
            lists = [one for one in columns if read[one.header] and isinstance(read[one.header], list)]
            shared[thing] = [
                (one.field, cells[one.header]) for one in lists or columns if one.header in cells
            ]
        self._normaliser.fill(record, fields, shared, plan.clearing)
        return record

    def _plan_of(self, keys: tuple[str, ...]) -> ColumnPlan:
        plan = self._shapes.get(keys)
        if plan is None:
            plan = choose_columns(keys, self._wanted)
            _join(self.columns, keys)
            _join(self.ignored, ignored_headers(keys, plan))
            if len(self._shapes) < _MOST_SHAPES:
                self._shapes[keys] = plan
        return plan

    def _unreadable(self, number: int, line: str, message: str) -> Record:
        _join(self.columns, [_LINE])
        _join(self.ignored, [_LINE])
        return Record(
            number, {_LINE: line.rstrip("\r\n")}, problems=[RowProblem("", message, "invalid-json")]
        )


def _join(names: list[str], more: Iterable[str]) -> None:
    """Add the names that are new, as PostgreSQL can hold them."""
    plain = (name.replace("\0", "\ufffd") for name in more)
    new = [name for name in dict.fromkeys(plain) if name not in names]
    names += new[: max(_MOST_COLUMNS - len(names), 0)]


def _plain(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
