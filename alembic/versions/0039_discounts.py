"""Discounts, who has had them, and for which orders."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "discounts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("discount_type", sa.Text(), nullable=False),
        sa.Column("value", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("min_order", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("max_discount", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("usage_limit", sa.Integer(), nullable=True),
        sa.Column("per_customer_limit", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), server_default="0", nullable=False),
        sa.Column("item_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("category_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("author_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("is_exclusive", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "discount_type = 'fixed' OR value <= 100", name=op.f("ck_discounts_percentage_at_most")
        ),
        sa.CheckConstraint(
            "discount_type IN ('percentage', 'fixed')", name=op.f("ck_discounts_discount_type")
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_discounts_ends_after_start")),
        sa.CheckConstraint(
            "least(usage_limit, per_customer_limit) >= 1", name=op.f("ck_discounts_limits_positive")
        ),
        sa.CheckConstraint("max_discount > 0", name=op.f("ck_discounts_max_discount_positive")),
        sa.CheckConstraint("min_order >= 0", name=op.f("ck_discounts_min_order_not_negative")),
        sa.CheckConstraint("used >= 0", name=op.f("ck_discounts_used_not_negative")),
        sa.CheckConstraint("value > 0", name=op.f("ck_discounts_value_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discounts")),
        sa.UniqueConstraint("code", name=op.f("uq_discounts_code")),
    )
    op.create_table(
        "discount_uses",
        sa.Column("discount_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_discount_uses_used_not_negative")),
        sa.ForeignKeyConstraint(
            ["discount_id"], ["discounts.id"], name=op.f("fk_discount_uses_discount_id_discounts")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_discount_uses_user_id_users")),
        sa.PrimaryKeyConstraint("discount_id", "user_id", name=op.f("pk_discount_uses")),
    )
    op.create_table(
        "discount_redemptions",
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("discount_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_discount_redemptions_amount_positive")),
        sa.ForeignKeyConstraint(
            ["discount_id"], ["discounts.id"], name=op.f("fk_discount_redemptions_discount_id_discounts")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_discount_redemptions_order_id_orders")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_discount_redemptions_user_id_users")
        ),
        sa.PrimaryKeyConstraint("order_id", "discount_id", name=op.f("pk_discount_redemptions")),
    )
    op.create_index(
        "ix_discount_redemptions_discount_id", "discount_redemptions", ["discount_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_discount_redemptions_discount_id", table_name="discount_redemptions")
    op.drop_table("discount_redemptions")
    op.drop_table("discount_uses")
    op.drop_table("discounts")
