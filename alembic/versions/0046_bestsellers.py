"""What sells, and what is bought together: for the catalogue to rank and relate by."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0046"
down_revision: str | None = "0045"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("item_views", sa.Column("sold", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "bought_together",
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("item_id", "other_id", name=op.f("pk_bought_together")),
    )


def downgrade() -> None:
    op.drop_table("bought_together")
    op.drop_column("item_views", "sold")
