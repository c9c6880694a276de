"""Statistics of goods: sums of items and of the stock's movements, and indexes for what is not yet in them."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0057"
down_revision: str | None = "0056"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = {
    "ix_stock_movements_created_at": "CREATE INDEX CONCURRENTLY ix_stock_movements_created_at ON stock_movements"
    " (created_at) INCLUDE (kind, delta) WHERE delta <> 0",
    "ix_returns_created_at": "CREATE INDEX CONCURRENTLY ix_returns_created_at ON returns (created_at)",
}


def upgrade() -> None:
    op.create_table(
        "item_sales",
        sa.Column("grain", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.Numeric(18, 2), nullable=False),
        sa.CheckConstraint("grain IN ('day', 'month', 'year')", name=op.f("ck_item_sales_grain")),
        sa.PrimaryKeyConstraint("grain", "starts_on", "item_id", "currency", name=op.f("pk_item_sales")),
    )
    op.create_table(
        "stock_quarters",
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("came", sa.BigInteger(), nullable=False),
        sa.Column("went", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("starts_at", "kind", name=op.f("pk_stock_quarters")),
    )
    with op.get_context().autocommit_block():
        for name, statement in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(statement)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.drop_table("stock_quarters")
    op.drop_table("item_sales")
