"""Merges of authors and of works: what was moved, so that it can be moved back."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Index, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class MergeKind(StrEnum):
    """What is merged."""

    AUTHOR = "author"
    WORK = "work"


class Merge(Base):
    """One merge: `moved` counts for readers what `record` lists for the undo.

    The names are those of the moment; a source is merged once at a time.
    """

    __tablename__ = "merges"

    id: Mapped[Id]
    kind: Mapped[str]
    source_id: Mapped[int]
    target_id: Mapped[int]
    source_name: Mapped[str]
    target_name: Mapped[str]
    moved: Mapped[dict[str, Any]] = mapped_column(JSONB)
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)
    merged_by: Mapped[int]
    merged_at: Mapped[datetime] = mapped_column(server_default=func.now())
    undone_by: Mapped[int | None]
    undone_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("kind IN ('author', 'work')", name="kind"),
        CheckConstraint("source_id <> target_id", name="two_of_them"),
        Index("ix_merges_merged_at_id", "merged_at", "id"),
        Index(
            "uq_merges_kind_source_id",
            "kind",
            "source_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )
