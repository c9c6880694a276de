"""The address that an account wants to change to, until it is proven."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0005"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("users", sa.Column("pending_email", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "pending_email")
