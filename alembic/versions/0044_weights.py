"""Items have a weight, for shipping."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("items", sa.Column("weight_grams", sa.Integer(), nullable=True))
    op.create_check_constraint(op.f("ck_items_weight_grams"), "items", "weight_grams BETWEEN 1 AND 1000000")


def downgrade() -> None:
    op.drop_column("items", "weight_grams")
