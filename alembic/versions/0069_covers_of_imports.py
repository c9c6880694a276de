"""Covers that rows of imports name: which row wants to know what came of its one."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0069"
down_revision: str | None = "0068"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("picture_fetches", sa.Column("import_id", sa.BigInteger(), nullable=True))
    op.add_column("picture_fetches", sa.Column("import_row", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("picture_fetches", "import_row")
    op.drop_column("picture_fetches", "import_id")
