"""Import jobs and their rows."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "import_jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("on_error", sa.Text(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("encoding", sa.Text(), nullable=True),
        sa.Column("delimiter", sa.Text(), nullable=True),
        sa.Column("mapping", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("stored_as", sa.Text(), nullable=True),
        sa.Column("columns", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("ignored_columns", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        *_counts(
            *("rows_done", "documents_done", "bytes_done", "created", "updated"),
            *("deleted", "unchanged", "failed"),
        ),
        sa.Column("only_failed", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("is_cancelling", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("working_seconds", sa.Double(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revert_state", sa.Text(), nullable=True),
        *_counts("reverted", "left_alone"),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'running', 'completed', 'failed', 'cancelled')",
            name=op.f("ck_import_jobs_state"),
        ),
        sa.CheckConstraint(
            "revert_state IN ('pending', 'running', 'completed')", name=op.f("ck_import_jobs_revert_state")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_import_jobs_created_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_jobs")),
    )
    op.create_index(op.f("ix_import_jobs_created_by"), "import_jobs", ["created_by"])
    op.create_index(
        "ix_import_jobs_stored",
        "import_jobs",
        ["created_at"],
        postgresql_where=sa.text("stored_as IS NOT NULL"),
    )
    _create_rows()
    _create_onix_records()

    # Aliases are few: names that no author has are looked up among them without a walk over all authors.
    op.create_index(
        "ix_authors_aliases",
        "authors",
        [sa.literal_column("string_to_array(names_folded, chr(10))")],
        postgresql_using="gin",
        postgresql_where=sa.text("aliases <> '{}'"),
    )


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in names]


def _create_rows() -> None:
    op.create_table(
        "import_rows",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("isbn13", sa.Text(), nullable=True),
        sa.Column("item_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        *(
            sa.Column(name, postgresql.JSONB(none_as_null=True), nullable=True)
            for name in ("changes", "before", "errors", "raw")
        ),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_import_rows")),
        sa.UniqueConstraint("job_id", "isbn13", name=op.f("uq_import_rows_job_id_isbn13")),
    )
    op.create_index(
        "ix_import_rows_failed",
        "import_rows",
        ["job_id", "number"],
        postgresql_where=sa.text("status = 'failed'"),
    )
    op.create_table(
        "import_made",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("job_id", "kind", "made_id", name=op.f("pk_import_made")),
    )


def _create_onix_records() -> None:
    op.create_table(
        "onix_records",
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("record_reference", sa.Text(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.item_id"], name=op.f("fk_onix_records_book_id_books"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("book_id", name=op.f("pk_onix_records")),
    )


def downgrade() -> None:
    op.drop_index("ix_authors_aliases", table_name="authors")
    for table in ("onix_records", "import_made", "import_rows", "import_jobs"):
        op.drop_table(table)
