"""What became of the runs of scheduled jobs, and when the next one is due."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0054"
down_revision: str | None = "0053"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("job_slots", sa.Column("every", sa.Interval(), nullable=True))
    op.add_column("job_slots", sa.Column("started_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("job_slots", sa.Column("seconds", sa.Double(), nullable=True))
    op.add_column("job_slots", sa.Column("rows", sa.BigInteger(), nullable=True))
    op.add_column("job_slots", sa.Column("failures", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("job_slots", sa.Column("error", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("error", "failures", "rows", "seconds", "started_at", "every"):
        op.drop_column("job_slots", name)
