"""How many carts of guests, which are gone, were last filled when."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0068"
down_revision: str | None = "0067"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "cart_quarters",
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("carts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("starts_at", name=op.f("pk_cart_quarters")),
    )


def downgrade() -> None:
    op.drop_table("cart_quarters")
