"""What few of half a million books have, a rare kind, a price or a rating, is found by an index."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0076"
down_revision: str | None = "0075"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES: tuple[tuple[str, str, list[str], str | None], ...] = (
    ("ix_items_kind", "items", ["kind", "title_folded", "id"], "kind <> 'book'"),
    ("ix_book_documents_price", "book_documents", ["price"], None),
    ("ix_book_documents_rating", "book_documents", ["rating"], "rating IS NOT NULL"),
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, table, columns, condition in INDEXES:
            # An attempt that was interrupted leaves one that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.create_index(
                name,
                table,
                columns,
                postgresql_where=None if condition is None else sa.text(condition),
                postgresql_concurrently=True,
            )


def downgrade() -> None:
    for name, table, _, _ in INDEXES:
        op.drop_index(name, table)
