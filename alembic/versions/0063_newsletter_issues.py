"""Issues of the newsletter, and which mail has which."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0063"
down_revision: str | None = "0062"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ONCE = (
    "CREATE UNIQUE INDEX CONCURRENTLY uq_mail_log_issue ON mail_log (issue_id, recipient)"
    " WHERE issue_id IS NOT NULL"
)


def upgrade() -> None:
    op.create_table(
        "newsletter_issues",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("recipients", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter_issues")),
    )
    op.add_column("mail_log", sa.Column("issue_id", sa.BigInteger(), nullable=True))
    with op.get_context().autocommit_block():
        # An attempt that was interrupted leaves one that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_mail_log_issue")
        op.execute(ONCE)


def downgrade() -> None:
    op.drop_index("uq_mail_log_issue", "mail_log")
    op.drop_column("mail_log", "issue_id")
    op.drop_table("newsletter_issues")
