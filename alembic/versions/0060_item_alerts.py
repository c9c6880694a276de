"""Who wants to hear that an item is back in stock, or costs less."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0060"
down_revision: str | None = "0059"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "item_alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("below", sa.Numeric(12, 2), nullable=True),
        sa.Column("price", sa.Numeric(12, 2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_event_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('back-in-stock', 'price-drop')", name=op.f("ck_item_alerts_kind")),
        sa.CheckConstraint("state IN ('pending', 'active', 'done')", name=op.f("ck_item_alerts_state")),
        sa.CheckConstraint(
            "(user_id IS NULL) = (email_key IS NOT NULL)", name=op.f("ck_item_alerts_account_or_address")
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_item_alerts_item_id_items"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_item_alerts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item_alerts")),
        sa.UniqueConstraint("user_id", "item_id", "kind", name="uq_item_alerts_account"),
        sa.UniqueConstraint("email_key", "item_id", "kind", name="uq_item_alerts_address"),
    )
    op.create_index("ix_item_alerts_item_id", "item_alerts", ["item_id", "kind", "state", "confirmed_at"])
    op.create_index("ix_item_alerts_state", "item_alerts", ["state", "created_at"])


def downgrade() -> None:
    op.drop_table("item_alerts")
