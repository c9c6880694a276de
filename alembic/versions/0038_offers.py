"""Bundles: the items that one is made of."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "offer_parts",
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("item_id <> offer_id", name=op.f("ck_offer_parts_not_itself")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 100", name=op.f("ck_offer_parts_quantity")),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_offer_parts_item_id_items")),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["items.id"], name=op.f("fk_offer_parts_offer_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("offer_id", "item_id", name=op.f("pk_offer_parts")),
    )
    op.create_index("ix_offer_parts_item_id", "offer_parts", ["item_id"])


def downgrade() -> None:
    op.drop_table("offer_parts")
