"""Imports say in how many rows each field becomes empty, and whether that is allowed."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "import_jobs", sa.Column("allow_clearing", sa.Boolean(), server_default="false", nullable=False)
    )
    op.add_column(
        "import_jobs", sa.Column("cleared", postgresql.JSONB(), server_default="{}", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("import_jobs", "cleared")
    op.drop_column("import_jobs", "allow_clearing")
