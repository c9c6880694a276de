"""Items of every kind stand in categories."""

from collections.abc import Sequence

from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OLD, NEW = "fk_book_categories_book_id_books", "fk_book_categories_book_id_items"


def upgrade() -> None:
    # Every book is an item: nothing that is there breaks the new key, and checking it locks out no reader.
    op.execute(
        f"ALTER TABLE book_categories ADD CONSTRAINT {NEW}"
        " FOREIGN KEY (book_id) REFERENCES items (id) ON DELETE CASCADE NOT VALID"
    )
    op.execute(f"ALTER TABLE book_categories VALIDATE CONSTRAINT {NEW}")
    op.drop_constraint(OLD, "book_categories", type_="foreignkey")


def downgrade() -> None:
    """Only books keep their categories."""
    op.execute("DELETE FROM book_categories WHERE NOT EXISTS (SELECT FROM books WHERE item_id = book_id)")
    op.create_foreign_key(OLD, "book_categories", "books", ["book_id"], ["item_id"], ondelete="CASCADE")
    op.drop_constraint(NEW, "book_categories", type_="foreignkey")
