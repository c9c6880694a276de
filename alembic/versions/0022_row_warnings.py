"""Rows of imports carry warnings, and jobs count the rows that do."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("import_rows", sa.Column("warnings", postgresql.JSONB(none_as_null=True), nullable=True))
    op.add_column("import_jobs", sa.Column("warned", sa.BigInteger(), server_default="0", nullable=False))
    # One look at each row, none of which has warnings yet.
    op.create_index(
        "ix_import_rows_warned",
        "import_rows",
        ["job_id", "number"],
        postgresql_where=sa.text("warnings IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_import_rows_warned", "import_rows")
    op.drop_column("import_jobs", "warned")
    op.drop_column("import_rows", "warnings")
