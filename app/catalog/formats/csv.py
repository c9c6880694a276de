"""CSV as people send it: any usual delimiter, quoted line breaks, damaged rows that do not spoil the others."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.catalog.formats.cell_text import unescape_formula
from app.catalog.formats.columns import (
    check_mapping,
    choose_columns,
    field_of,
    folded,
    ignored_headers,
    require_isbn,
    require_mapped,
)
from app.catalog.formats.decoding import CONTROLS, TextFile
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.record import Record, RowProblem, SourceOptions
from app.catalog.formats.rows import LARGEST_CELL, Cell, Normaliser

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", r"\t": "\t"}
_HEAD = 65_536
"""Characters by which the delimiter is found; a header is rarely longer."""
_DECLARATION = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
"""A first line that names the delimiter to Excel."""

_DRESSED = frozenset("'=")

# Longer cells than these are refused by the row's own rules; much longer ones are an open quote.
csv.field_size_limit(2 * LARGEST_CELL)


class CsvSource:
    """Rows of a CSV file, each a record; a row that cannot be read is a record with problems."""

    def __init__(self, path: Path, options: SourceOptions) -> None:
        wanted = check_mapping(options.mapping)
        declared = options.delimiter and DELIMITERS.get(options.delimiter.lower(), options.delimiter)
        if declared and declared not in DELIMITERS.values():
            raise SourceRefused(
                f"The delimiter {options.delimiter!r} is none of: comma, semicolon, tab, bar."
            )
        self._file = TextFile.open(path, options.encoding)
        try:
            head = self._file.head(_HEAD)
            self.delimiter = declared or _detect_delimiter(head, frozenset(wanted))
            self._lines = _ReplayedLines(self._file)
            self._rows = self._parse()
            headers = self._read_header()
            require_mapped(headers, options.mapping)
            chosen = choose_columns(headers, wanted)
            require_isbn(headers, chosen)
        except Exception:
            self._file.close()
            raise
        self.columns = _distinct(headers)
        self.ignored = ignored_headers(self.columns, chosen)
        self.may_empty = bool(chosen.clearing)
        self._plan = chosen
        self._normaliser = Normaliser(options.currency)

    def __iter__(self) -> Iterator[Record]:
        """The records from the first to the last; once."""
        columns, width = self.columns, len(self.columns)
        fill, plan = self._normaliser.fill, self._plan
        clearing, shared_columns = plan.clearing, plan.shared
        single = [(column.index, column.field) for column in plan.single]
        number = 0
        for row in self._rows:
            cells = row if isinstance(row, list) else [row.text]
            if not any(cells) or not any(map(str.strip, cells)):
                continue
            if len(cells) == 1 and not CONTROLS.sub("", cells[0]).strip():
                # Some programs end or fill up a file with control characters.
                continue
            number += 1
            record = Record(number, dict(zip(columns, cells, strict=False)))
            if isinstance(row, _Unreadable):
                record.problems.append(row.problem)
            elif len(cells) == width or self._fits(record, cells):
                fields = {field: cells[index] for index, field in single}
                shared: dict[str, list[Cell]] = {}
                if shared_columns:
                    for thing, sharing in shared_columns.items():
                        shared[thing] = [(one.field, cells[one.index]) for one in sharing]
                fill(record, fields, shared, clearing)
            yield record

    def position(self) -> int:
        """How many bytes of the file were read so far."""
        return self._file.position()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _parse(self) -> "Iterator[list[str] | _Unreadable]":
        lines = self._lines
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=True, strict=True)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as fault:
                yield lines.give_up(fault)
                continue
            lines.accept()
            if self._file.is_cut:
                self._file.is_cut = False
                yield _Unreadable(cells[0], RowProblem("", "the row is too long", "row-too-long"))
                continue
            yield [unescape_formula(cell) if cell[:1] in _DRESSED else cell for cell in cells]

    def _read_header(self) -> list[str]:
        is_first = True
        for row in self._rows:
            if isinstance(row, _Unreadable):
                raise SourceRefused(f"The header cannot be read: {row.problem.message}.")
            is_declaration = is_first and _DECLARATION.fullmatch(self.delimiter.join(row)) is not None
            is_first = False
            if any(map(str.strip, row)) and not is_declaration:
                return [cell.strip() for cell in row]
        raise SourceRefused("The file is empty; its first line must name the columns.")

    def _fits(self, record: Record, cells: list[str]) -> bool:
        """Whether the row has just empty cells too many; else note that it is ragged."""
        width = len(self.columns)
        if len(cells) > width and not any(cells[width:]):
            return True
        for column in self.columns[len(cells) :]:
            record.raw[column] = ""
        if len(cells) > width:
            # Nothing is lost of what is to be mended.
            record.raw[self.columns[-1]] = self.delimiter.join(cells[width - 1 :])
        message = f"the row has {len(cells)} cells, the header {width}"
        record.problems.append(RowProblem("", message, "ragged-row"))
        return False


class _Unreadable:
    """A line that is no row."""

    def __init__(self, text: str, problem: RowProblem) -> None:
        self.text = text
        self.problem = problem


class _ReplayedLines:
    """Lines for the parser, which are read again when a quote was opened and never closed.

    Without that, one stray quote would swallow all rows to the next one.
    """

    def __init__(self, file: TextFile) -> None:
        self._file_lines = file.lines()
        self._taken: list[str] = []
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file_lines)
        self._taken.append(line)
        return line

    def accept(self) -> None:
        """Forget the lines so far: they made a row."""
        self._taken.clear()

    def give_up(self, fault: csv.Error) -> _Unreadable:
        """Give up the first line, which is no row; those after it are read again."""
        first, *following = self._taken or [""]
        self._again.extendleft(reversed(following))
        self._taken.clear()
        reason = "a quote is opened and not closed"
        if "expected after" in str(fault):
            reason = 'a quote within a quoted cell must be doubled ("")'
        problem = RowProblem("", f"the row cannot be read: {reason}", "broken-quotes")
        return _Unreadable(first.rstrip("\r\n"), problem)


def _detect_delimiter(head: str, mapped: frozenset[str]) -> str:
    """Find the delimiter by the header: the one with which most columns are understood, or else most are made."""
    declaration = _DECLARATION.match(head)
    if declaration is not None and declaration[1] in DELIMITERS.values():
        return declaration[1]

    def merit(delimiter: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter, skipinitialspace=True)
        headers = next((row for row in rows if any(map(str.strip, row))), [])
        known = sum(1 for header in headers if field_of(header) or folded(header) in mapped)
        return known, len(headers)

    return max(",;\t|", key=merit)


def _distinct(headers: Sequence[str]) -> list[str]:
    """Each column with a name of its own, which PostgreSQL can hold."""
    taken: dict[str, int] = {}
    names = []
    for index, header in enumerate(headers, start=1):
        name = header.replace("\0", "\ufffd") or f"column {index}"
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name} ({taken[name]})")
    return names
