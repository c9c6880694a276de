"""What clients send and see of imports."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from app.catalog.formats.record import SourceFormat
from app.catalog.models import ImportMode, ImportState, ImportStock, OnError, RevertState, RowStatus
from app.core.db.paging import ListQuery
from app.core.http.schemas import FormModel, Line, ResponseModel, RowId, Timestamp

MOST_MAPPED = 200
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "\\t": "tab", "|": "bar"}


Header = Annotated[Line, Field(min_length=1, max_length=200)]
TargetField = Annotated[Line, Field(max_length=50)]


class ImportIn(FormModel):
    """The fields of the form beside the file."""

    mode: ImportMode = ImportMode.UPSERT
    on_error: OnError = OnError.SKIP_ROW
    dry_run: bool = False
    allow_clearing: bool = False
    stock: ImportStock = ImportStock.OWN
    mapping: dict[Header, TargetField] = Field(default_factory=dict, max_length=MOST_MAPPED)
    format: SourceFormat | None = None
    encoding: Annotated[Line, Field(min_length=1, max_length=40)] | None = None
    delimiter: Literal["comma", "semicolon", "tab", "bar"] | None = None

    @field_validator("delimiter", mode="before")
    @classmethod
    def _names_the_character(cls, delimiter: object) -> object:
        return _DELIMITER_NAMES.get(delimiter, delimiter) if isinstance(delimiter, str) else delimiter


class ImportCounts(ResponseModel):
    """Rows by what became of them; of a dry run, what would."""

    created: int = Field(examples=[9277])
    updated: int = Field(examples=[0])
    deleted: int = Field(description="By deletion notices of ONIX.", examples=[0])
    unchanged: int = Field(examples=[0])
    failed: int = Field(examples=[0])


class RevertOut(ResponseModel):
    """The revert of an import."""

    state: RevertState = Field(examples=["completed"])
    reverted: int = Field(description="Rows taken back.", examples=[9270])
    left: int = Field(description="Rows left alone: changed since, reserved, or gone.", examples=[7])


class ImportOut(ResponseModel):
    """An import."""

    id: RowId = Field(examples=[12])
    state: ImportState = Field(examples=["completed"])
    mode: ImportMode = Field(examples=["upsert"])
    on_error: OnError = Field(examples=["skip_row"])
    dry_run: bool = Field(examples=[False])
    stock: ImportStock = Field(description="Whose stock on hand of ONIX became the shop's.", examples=["own"])
    format: SourceFormat = Field(examples=["csv"])
    filename: str = Field(examples=["books.csv"])
    size: int = Field(description="Bytes.", examples=[816282])
    counts: ImportCounts
    warned: int = Field(
        description="Rows that were applied without something that they say, or that empty a field; `warnings` of"
        " the row tells what.",
        examples=[0],
    )
    allow_clearing: bool = Field(description="Whether it may empty a field of many books.", examples=[False])
    cleared: dict[str, int] = Field(
        description="Fields that had something and became empty, each with the number of rows; of a dry run, and of"
        " an import that failed since it was not asked about, what would.",
        examples=[{"publisher": 3}],
    )
    needs_allow_clearing: bool = Field(
        description="Whether a field becomes empty in more than a tenth of the rows: without `allow_clearing=true`"
        " such an import fails before it writes anything.",
        examples=[False],
    )
    total_rows: int = Field(
        description="Rows of the file; while it runs, those read so far.", examples=[9277]
    )
    percent: float = Field(description="Of the file's bytes.", examples=[100.0])
    rows_per_second: float | None = Field(description="Over the working time.", examples=[6500.0])
    columns: list[str] = Field(examples=[["isbn13", "title", "authors"]])
    ignored_columns: list[str] = Field(
        description="That no field understands.", examples=[["average_rating"]]
    )
    error: str | None = Field(description="Why it failed.", examples=[None])
    revert: RevertOut | None
    created_by: int = Field(examples=[3])
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None


_CLEARED_SHARE = 10
"""One row in so many may empty a field."""


def is_too_much(cleared: int, rows: int) -> bool:
    """Whether to ask before a field is emptied in so many of these rows."""
    return cleared * _CLEARED_SHARE > rows


class RowProblemOut(ResponseModel):
    """What is wrong with a row, or was not understood of it."""

    field: str = Field(examples=["isbn"])
    message: str = Field(examples=["the check digit of this ISBN-13 is wrong"])
    type: str = Field(examples=["invalid-isbn"])


class FieldChange(ResponseModel):
    """A field before and after."""

    old: Any = Field(examples=["The Hobit"])
    new: Any = Field(examples=["The Hobbit"])


class ImportRowOut(ResponseModel):
    """What became of a row; in a dry run, what would."""

    number: int = Field(description="Of the row in the file, from 1, without the header.", examples=[17])
    status: RowStatus = Field(examples=["failed"])
    isbn: str | None = Field(examples=["9780261102217"])
    item_id: int | None = Field(examples=[42])
    changes: dict[str, FieldChange] | None = Field(description="Of an update.")
    errors: list[RowProblemOut] = Field(description="Of a failed row.")
    warnings: list[RowProblemOut] = Field(
        description="What was not taken over; the rest of the row was applied, unless it failed. A cover that could not"
        " be fetched comes here afterwards (`cover_url`)."
    )
    notes: list[RowProblemOut] = Field(
        description="What was chosen of several: of the prices in ONIX which one, why, and the tax that it states;"
        " and that the row's cover is to be fetched (`cover-wanted`)."
    )
    raw: dict[str, str] | None = Field(
        description="The original columns of a row that failed or has warnings.", examples=[{"isbn": "123"}]
    )
    reverted: bool | None = Field(
        description="After a revert: taken back (true) or left alone (false).", examples=[None]
    )


class ImportFilter(ListQuery):
    """Filters of `/admin/imports`."""

    state: ImportState | None = Field(default=None, description="Only imports in this state.")


class ImportRowFilter(ListQuery):
    """Filters of an import's rows."""

    status: RowStatus | None = Field(default=None, description="Only rows of which this became.")
    has_warnings: bool | None = Field(default=None, description="Only rows with warnings, or without.")
