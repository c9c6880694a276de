"""What stock is worth is added up from an index: of a large catalogue the rows themselves take too long."""

from collections.abc import Sequence

from alembic import op

revision: str = "0072"
down_revision: str | None = "0071"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An attempt that was interrupted leaves one that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_items_id_value")
        op.create_index(
            "ix_items_id_value",
            "items",
            ["id"],
            postgresql_include=["currency", "price", "created_at"],
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    op.drop_index("ix_items_id_value", "items")
