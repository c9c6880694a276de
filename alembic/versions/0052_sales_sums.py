"""Statistics: sums of every quarter of an hour, and indexes for what is not yet in them."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0052"
down_revision: str | None = "0051"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = {
    "ix_orders_paid_at": "CREATE INDEX CONCURRENTLY ix_orders_paid_at ON orders (paid_at) WHERE paid_at IS NOT NULL",
    "ix_payments_created_at": "CREATE INDEX CONCURRENTLY ix_payments_created_at ON payments (created_at)",
    "ix_refunds_created_at": "CREATE INDEX CONCURRENTLY ix_refunds_created_at ON refunds (created_at)"
    " INCLUDE (currency, amount, status)",
}


def upgrade() -> None:
    op.create_table(
        "rolled_up",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_rolled_up")),
    )
    counts = [
        sa.Column(name, sa.BigInteger(), nullable=False) for name in ("placed", "begun", "orders", "items")
    ]
    sums = [
        sa.Column(name, sa.Numeric(18, 2), nullable=False)
        for name in ("gross", "discounts", "shipping", "tax", "total")
    ]
    op.create_table(
        "sales_quarters",
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        *counts,
        *sums,
        sa.PrimaryKeyConstraint("starts_at", "currency", "channel", name=op.f("pk_sales_quarters")),
    )
    with op.get_context().autocommit_block():
        for name, statement in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(statement)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for name in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.drop_table("sales_quarters")
    op.drop_table("rolled_up")
