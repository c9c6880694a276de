"""Items of every kind have pictures, the main one first; a book's cover is its main picture."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("items", sa.Column("pictures", postgresql.JSONB(), server_default="[]", nullable=False))
    # Neither version nor time changes: a cover shows as it did.
    op.execute(
        "UPDATE items SET pictures = jsonb_build_array(cover) FROM books"
        " WHERE books.item_id = items.id AND cover IS NOT NULL"
    )
    op.drop_column("books", "cover")
    op.create_check_constraint("pictures_at_most", "items", "jsonb_array_length(pictures) <= 6")


def downgrade() -> None:
    """Only the main pictures of books stay."""
    op.add_column("books", sa.Column("cover", postgresql.JSONB(none_as_null=True), nullable=True))
    op.execute(
        "UPDATE books SET cover = pictures -> 0 FROM items WHERE items.id = books.item_id AND pictures <> '[]'"
    )
    op.drop_constraint("ck_items_pictures_at_most", "items")
    op.drop_column("items", "pictures")
