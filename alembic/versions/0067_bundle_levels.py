"""How many of each bundle could be bought when that was last told."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0067"
down_revision: str | None = "0066"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "bundle_levels",
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("available", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_bundle_levels_item_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_bundle_levels")),
    )
    op.execute(
        """
        INSERT INTO bundle_levels (item_id, available)
        SELECT bundle.id, coalesce(
            min(CASE WHEN part.is_active THEN level.available / offer_parts.quantity ELSE 0 END), 0
        )
        FROM items AS bundle
        LEFT JOIN offer_parts ON offer_parts.offer_id = bundle.id
        LEFT JOIN items AS part ON part.id = offer_parts.item_id
        LEFT JOIN stock_levels AS level ON level.item_id = part.id
        WHERE bundle.kind = 'bundle'
        GROUP BY bundle.id
        """
    )


def downgrade() -> None:
    op.drop_table("bundle_levels")
