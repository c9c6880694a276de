"""Import jobs: the uploaded file, how far it is, and what became of each of its rows."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, Integer, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped


class ImportState(StrEnum):
    """How far an import is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ImportMode(StrEnum):
    """What rows may do: only add books, only change them, or either; the ISBN decides whether a book is there."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"


class OnError(StrEnum):
    """What a row that fails does to the others: nothing, or none of them is written."""

    SKIP_ROW = "skip_row"
    ABORT = "abort"


class ImportStock(StrEnum):
    """Whose stock on hand of ONIX becomes the shop's: what its own exports say, or any supplier's."""

    OWN = "own"
    IMPORT = "import"


class RowStatus(StrEnum):
    """What an import did, or in a dry run would do, with a row."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class RevertState(StrEnum):
    """How far the revert of an import is."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"


class RevertOutcome(StrEnum):
    """What a revert did with a row."""

    REVERTED = "reverted"
    LEFT = "left"


def _one_of(column: str, values: type[StrEnum]) -> str:
    return f"{column} IN ({', '.join(repr(one.value) for one in values)})"


class ImportJob(Timestamped, Base):
    """One uploaded file and what is done with it.

    `rows_done` is the number of the last row that is dealt with, written in the transaction of
    the rows themselves: whoever resumes starts after it; `documents_done` is that of search
    documents. `only_failed` marks a pass over the rows that failed before.
    """

    __tablename__ = "import_jobs"

    id: Mapped[Id]
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[str] = mapped_column(server_default="pending")
    mode: Mapped[str]
    on_error: Mapped[str]
    stock: Mapped[str] = mapped_column(server_default="own")
    dry_run: Mapped[bool]
    format: Mapped[str]
    filename: Mapped[str]
    size: Mapped[int]
    encoding: Mapped[str | None]
    delimiter: Mapped[str | None]
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    stored_as: Mapped[str | None]
    columns: Mapped[list[str]] = mapped_column(server_default="{}")
    ignored_columns: Mapped[list[str]] = mapped_column(server_default="{}")
    rows_done: Mapped[int] = mapped_column(server_default="0")
    documents_done: Mapped[int] = mapped_column(server_default="0")
    bytes_done: Mapped[int] = mapped_column(server_default="0")
    created: Mapped[int] = mapped_column(server_default="0")
    updated: Mapped[int] = mapped_column(server_default="0")
    deleted: Mapped[int] = mapped_column(server_default="0")
    unchanged: Mapped[int] = mapped_column(server_default="0")
    failed: Mapped[int] = mapped_column(server_default="0")
    warned: Mapped[int] = mapped_column(server_default="0")
    allow_clearing: Mapped[bool] = mapped_column(server_default="false")
    cleared: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    only_failed: Mapped[bool] = mapped_column(server_default="false")
    is_cancelling: Mapped[bool] = mapped_column(server_default="false")
    working_seconds: Mapped[float] = mapped_column(Double, server_default="0")
    error: Mapped[str | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    revert_state: Mapped[str | None]
    reverted: Mapped[int] = mapped_column(server_default="0")
    left_alone: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        CheckConstraint(_one_of("state", ImportState), name="state"),
        CheckConstraint(_one_of("stock", ImportStock), name="stock"),
        CheckConstraint(_one_of("revert_state", RevertState), name="revert_state"),
        Index("ix_import_jobs_stored", "created_at", postgresql_where=text("stored_as IS NOT NULL")),
    )


class ImportRow(Base):
    """What became of one row: the result is written in the transaction of the row's own changes.

    No foreign key: jobs are never deleted, and it would be checked once for each of a million rows.

    `changes` is field → [old, new] of an update; `before` what a revert restores; `raw` the
    original columns of a row that failed or has warnings; `notes` tell what was chosen. `version` is the item's after the row: a revert touches
    only what still has it. `outcome` says what a revert did.
    """

    __tablename__ = "import_rows"

    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str]
    isbn13: Mapped[str | None]
    item_id: Mapped[int | None]
    version: Mapped[int | None]
    changes: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    errors: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    warnings: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    notes: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    raw: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    outcome: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("job_id", "isbn13"),
        Index("ix_import_rows_failed", "job_id", "number", postgresql_where=text("status = 'failed'")),
        Index("ix_import_rows_warned", "job_id", "number", postgresql_where=text("warnings IS NOT NULL")),
    )


class ImportMade(Base):
    """An author, series or category that an import made on the way: a revert removes it if unused."""

    __tablename__ = "import_made"

    job_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    made_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class OnixRecord(Base):
    """What an ONIX record says of a book beyond its fields: `parts` is block → XML of the unknown elements.

    `record_reference` is the sender's own key.
    """

    __tablename__ = "onix_records"

    book_id: Mapped[int] = mapped_column(ForeignKey("books.item_id", ondelete="CASCADE"), primary_key=True)
    record_reference: Mapped[str]
    parts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
