"""Mails in the reader's language."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0050"
down_revision: str | None = "0049"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("users", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("mail_log", sa.Column("language", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("mail_log", "language")
    op.drop_column("users", "language")
