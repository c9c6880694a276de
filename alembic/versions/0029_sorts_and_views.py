"""Books sort by publication, items by what was looked at and by their last change; views are counted."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PUBLICATION_ORDER = """
    CREATE OR REPLACE FUNCTION publication_order(published_on date, first_published integer) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(
        CAST(extract(year FROM published_on) * 10000 + extract(month FROM published_on) * 100
            + extract(day FROM published_on) AS integer),
        first_published * 10000,
        -99999999)
"""
INDEXES = (
    ("ix_books_publication", "books", "publication_order(published_on, first_published), item_id"),
    ("ix_items_updated_at_id", "items", "updated_at, id"),
    ("ix_items_popularity_id", "items", "popularity, id"),
)


def upgrade() -> None:
    op.execute(PUBLICATION_ORDER)
    # What was stopped while it made the indexes is run again.
    op.execute("ALTER TABLE items ADD COLUMN IF NOT EXISTS popularity double precision NOT NULL DEFAULT 0")
    op.create_table(
        "item_views",
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("views", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("is_ranked", sa.Boolean(), server_default="false", nullable=False),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_item_views")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_item_views_unranked",
        "item_views",
        ["item_id"],
        postgresql_where=sa.text("NOT is_ranked"),
        if_not_exists=True,
    )
    # Each by itself, beside the shop's work; what a stopped one left behind is made anew.
    with op.get_context().autocommit_block():
        for name, table, columns in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns})")


def downgrade() -> None:
    for name, _, _ in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.drop_table("item_views")
    op.drop_column("items", "popularity")
    op.execute("DROP FUNCTION publication_order(date, integer)")
