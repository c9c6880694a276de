"""Bills: invoices that are sent to the shop, and the callbacks of those that are paid."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0059"
down_revision: str | None = "0058"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "bills",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_by", sa.BigInteger(), nullable=True),
        sa.Column("callback_url", sa.Text(), nullable=True),
        sa.Column("callback_state", sa.Text(), nullable=True),
        sa.Column("callback_tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("callback_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("callback_status", sa.BigInteger(), nullable=True),
        sa.Column("callback_ok", sa.Boolean(), nullable=True),
        sa.Column("callback_error", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint("total >= 0", name=op.f("ck_bills_total_not_negative")),
        sa.CheckConstraint(
            "callback_state IN ('pending', 'delivered', 'failed')", name=op.f("ck_bills_callback_state")
        ),
        sa.CheckConstraint(
            "(callback_url IS NULL) = (callback_state IS NULL)", name=op.f("ck_bills_callback_has_state")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bills_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bills")),
        sa.UniqueConstraint("user_id", "number", name="uq_bills_user_id_number"),
    )
    op.create_index("ix_bills_number", "bills", ["number"])


def downgrade() -> None:
    op.drop_table("bills")
