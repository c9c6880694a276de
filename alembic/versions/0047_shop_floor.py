"""The shop floor: stock-takes, codes to collect orders with, and discounts for buyers without an account."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0047"
down_revision: str | None = "0046"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "stock_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="open", nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("item_ids", postgresql.ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'committed', 'cancelled')", name=op.f("ck_stock_counts_status")
        ),
        sa.CheckConstraint(
            "(status = 'open') = (closed_at IS NULL)", name=op.f("ck_stock_counts_closed_by_status")
        ),
        sa.CheckConstraint("category_id IS NULL OR item_ids IS NULL", name=op.f("ck_stock_counts_one_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_counts")),
    )
    op.create_table(
        "stock_count_lines",
        sa.Column("count_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("counted_by", sa.BigInteger(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("counted >= 0 AND expected >= 0", name=op.f("ck_stock_count_lines_not_negative")),
        sa.ForeignKeyConstraint(
            ["count_id"],
            ["stock_counts.id"],
            name=op.f("fk_stock_count_lines_count_id_stock_counts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["items.id"],
            name=op.f("fk_stock_count_lines_item_id_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("count_id", "item_id", name=op.f("pk_stock_count_lines")),
    )
    op.create_index("ix_stock_count_lines_item_id", "stock_count_lines", ["item_id"], unique=False)
    op.add_column("orders", sa.Column("pickup_code", sa.Text(), nullable=True))
    op.alter_column("discount_redemptions", "user_id", existing_type=sa.BigInteger(), nullable=True)


def downgrade() -> None:
    op.execute("DELETE FROM discount_redemptions WHERE user_id IS NULL")
    op.alter_column("discount_redemptions", "user_id", existing_type=sa.BigInteger(), nullable=False)
    op.drop_column("orders", "pickup_code")
    op.drop_table("stock_count_lines")
    op.drop_table("stock_counts")
