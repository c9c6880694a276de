"""Merges of authors and works, so that they can be undone; works without editions go; series have versions."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FORGET_EMPTY_WORK = """
    CREATE FUNCTION forget_empty_work() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- A statement of its own: the next one's snapshot sees what whoever held the work has committed.
        PERFORM FROM works WHERE id = OLD.work_id FOR UPDATE;
        DELETE FROM works
        WHERE id = OLD.work_id AND merged_into_id IS NULL
        AND NOT EXISTS (SELECT FROM books WHERE work_id = OLD.work_id)
        AND NOT EXISTS (SELECT FROM works AS merged WHERE merged.merged_into_id = OLD.work_id);
        RETURN NULL;
    END
    $$
"""
"""A work lives as long as it has an edition, or a part in a merge: whichever way its last edition leaves."""


def upgrade() -> None:
    op.create_table(
        "merges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("target_name", sa.Text(), nullable=False),
        sa.Column("moved", postgresql.JSONB(), nullable=False),
        sa.Column("record", postgresql.JSONB(), nullable=False),
        sa.Column("merged_by", sa.BigInteger(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_by", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('author', 'work')", name=op.f("ck_merges_kind")),
        sa.CheckConstraint("source_id <> target_id", name=op.f("ck_merges_two_of_them")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
    )
    op.create_index("ix_merges_merged_at_id", "merges", ["merged_at", "id"])
    op.create_index(
        "uq_merges_kind_source_id",
        "merges",
        ["kind", "source_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    op.create_index(
        "ix_works_title_trigrams",
        "works",
        ["title_folded"],
        postgresql_using="gin",
        postgresql_ops={"title_folded": "gin_trgm_ops"},
    )
    op.add_column("series", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False))
    op.execute(FORGET_EMPTY_WORK)
    op.execute(
        "CREATE TRIGGER books_forget_empty_work_on_delete AFTER DELETE ON books"
        " FOR EACH ROW EXECUTE FUNCTION forget_empty_work()"
    )
    op.execute(
        "CREATE TRIGGER books_forget_empty_work_on_move AFTER UPDATE OF work_id ON books"
        " FOR EACH ROW WHEN (OLD.work_id <> NEW.work_id) EXECUTE FUNCTION forget_empty_work()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER books_forget_empty_work_on_move ON books")
    op.execute("DROP TRIGGER books_forget_empty_work_on_delete ON books")
    op.execute("DROP FUNCTION forget_empty_work()")
    op.drop_column("series", "version")
    op.drop_index("ix_works_title_trigrams", "works")
    op.drop_table("merges")
