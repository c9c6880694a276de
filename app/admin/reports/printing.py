"""Reports as PDF: charts, then the table."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from app.admin.reports.tables import Cell, Chart, Column, Kind, Table
from app.admin.stats.periods import Period, zone_name
from app.core.pdf import make_pdf

MOST_PRINTED = 500
"""Rows: nobody turns more pages; the other formats have all."""
LONGEST_LABEL = 80
"""Characters of what stands beside a bar: a page holds ten of them. The table has all."""

_TEMPLATE = Path(__file__).with_name("report.typ")


async def print_report(heading: str, period: Period, table: Table, made_at: datetime) -> bytes:
    """Set it; the same bytes for the same input."""
    words = {
        "heading": heading,
        "facts": [
            (
                "Period",
                f"{_moment(period.since, period)} to {_moment(period.until, period)} ({zone_name(period.zone)})",
            ),
            ("Made", _moment(made_at, period)),
        ],
        "charts": [_chart(chart) for chart in table.charts if chart.bars],
        "columns": [
            {
                "heading": column.heading,
                "is_number": column.kind in {Kind.COUNT, Kind.MONEY, Kind.SHARE},
                "is_wide": column.name in {"title", "query"},
            }
            for column in table.columns
        ],
        "rows": [_row(table.columns, row, period) for row in table.rows[:MOST_PRINTED]],
        "note": _note(table),
    }
    return await make_pdf(_TEMPLATE, words, made_at)


def _note(table: Table) -> str:
    if not table.rows:
        return "There was nothing in this period."
    if len(table.rows) <= MOST_PRINTED:
        return ""
    more = "more than " if table.is_cut else ""
    return f"The first {MOST_PRINTED:,} of {more}{len(table.rows):,} rows; as CSV and as JSON the report has them."


def _chart(chart: Chart) -> Mapping[str, object]:
    # Money that went back may outweigh what came in; a bar cannot be shorter than nothing.
    most = max((bar.value for bar in chart.bars), default=0.0)
    return {
        "title": chart.title,
        "is_over_time": chart.is_over_time,
        "bars": [
            {
                "label": _short(bar.label),
                "shown": bar.shown,
                "share": max(bar.value, 0) / most if most > 0 else 0,
            }
            for bar in chart.bars
        ],
        "most": max(chart.bars, key=lambda bar: bar.value).shown,
    }


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def _row(columns: Sequence[Column], row: Sequence[Cell], period: Period) -> list[str]:
    return [_cell(column.kind, cell, period) for column, cell in zip(columns, row, strict=True)]


def _cell(kind: Kind, cell: Cell, period: Period) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return _moment(cell, period)
    if kind is Kind.MONEY and isinstance(cell, Decimal):
        return f"{cell:,f}".replace("-", "\N{MINUS SIGN}")
    if kind is Kind.SHARE and isinstance(cell, Decimal):
        return f"{cell:.1%}"
    # An id is a name, and has no thousands.
    return str(cell)


def _moment(moment: datetime, period: Period) -> str:
    return f"{moment.astimezone(period.zone):%Y-%m-%d %H:%M}"
