"""Gift cards, and the ledger of what is on them, which is only ever added to."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "gift_cards",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("balance", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_gift_cards_balance_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_cards")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_gift_cards_code_hash")),
    )
    op.create_index("ix_gift_cards_created_at_id", "gift_cards", ["created_at", "id"], unique=False)
    op.create_table(
        "gift_card_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("gift_card_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("balance_after", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'issued') = (order_id IS NULL)", name=op.f("ck_gift_card_entries_order_by_kind")
        ),
        sa.CheckConstraint(
            "(kind = 'redeemed') = (amount < 0) AND amount <> 0",
            name=op.f("ck_gift_card_entries_amount_by_kind"),
        ),
        sa.CheckConstraint(
            "kind IN ('issued', 'redeemed', 'returned')", name=op.f("ck_gift_card_entries_kind")
        ),
        sa.CheckConstraint("balance_after >= 0", name=op.f("ck_gift_card_entries_balance_not_negative")),
        sa.ForeignKeyConstraint(
            ["gift_card_id"], ["gift_cards.id"], name=op.f("fk_gift_card_entries_gift_card_id_gift_cards")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_gift_card_entries_order_id_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_card_entries")),
    )
    op.create_index(
        "ix_gift_card_entries_gift_card_id_id", "gift_card_entries", ["gift_card_id", "id"], unique=False
    )
    op.create_index(
        "ix_gift_card_entries_order_id",
        "gift_card_entries",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON gift_card_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_index(
        "ix_gift_card_entries_order_id",
        table_name="gift_card_entries",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.drop_index("ix_gift_card_entries_gift_card_id_id", table_name="gift_card_entries")
    op.drop_table("gift_card_entries")
    op.drop_index("ix_gift_cards_created_at_id", table_name="gift_cards")
    op.drop_table("gift_cards")
