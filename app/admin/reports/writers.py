"""Reports as CSV and as JSON."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal

import orjson

from app.admin.reports.tables import Cell, Table
from app.catalog.formats.cell_text import escape_formula


def write_csv(table: Table, zone: tzinfo) -> bytes:
    """A row each, the first one names the columns; text that a spreadsheet would run as a formula begins with `'`."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in table.columns])
    writer.writerows([_plain(cell, zone) for cell in row] for row in table.rows)
    return buffer.getvalue().encode()


def write_json(table: Table, zone: tzinfo, about: Mapping[str, object]) -> bytes:
    """What it is about, and an object for each row."""
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, _values(row, zone), strict=True)) for row in table.rows]
    return orjson.dumps({**about, "is_cut": table.is_cut, "rows": rows})


def _plain(cell: Cell, zone: tzinfo) -> str | int | float:
    match cell:
        case None:
            return ""
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return cell.astimezone(zone).isoformat()
        case date():
            return cell.isoformat()
        case str():
            return escape_formula(cell)
        case _:
            return cell


def _values(row: Sequence[Cell], zone: tzinfo) -> list[object]:
    return [_value(cell, zone) for cell in row]


def _value(cell: Cell, zone: tzinfo) -> object:
    if isinstance(cell, Decimal):
        return float(cell)
    return cell.astimezone(zone) if isinstance(cell, datetime) else cell
