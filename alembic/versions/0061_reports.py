"""Reports as tasks, and an index by which their taxes are found."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0061"
down_revision: str | None = "0060"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "report_tasks",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("report_type", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tz", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="processing", nullable=False),
        sa.Column("percent", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('processing', 'done', 'failed')", name=op.f("ck_report_tasks_status")),
        sa.CheckConstraint(
            "(status = 'done') = (size IS NOT NULL)", name=op.f("ck_report_tasks_done_with_file")
        ),
        sa.CheckConstraint(
            "(status = 'failed') = (error IS NOT NULL)", name=op.f("ck_report_tasks_failed_with_reason")
        ),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_report_tasks_percent")),
        sa.CheckConstraint("since < until", name=op.f("ck_report_tasks_period")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_report_tasks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_tasks")),
    )
    op.create_index(
        "uq_report_tasks_running",
        "report_tasks",
        ["user_id", "slot"],
        unique=True,
        postgresql_where=sa.text("status = 'processing'"),
    )
    op.create_index("ix_report_tasks_user_id", "report_tasks", ["user_id"])
    op.create_index("ix_report_tasks_expires_at", "report_tasks", ["expires_at"])
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_invoices_created_at")
        op.execute("CREATE INDEX CONCURRENTLY ix_invoices_created_at ON invoices (created_at)")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_invoices_created_at")
    op.drop_table("report_tasks")
