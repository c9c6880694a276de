"""Mails to addresses without an account: newsletter subscriptions, and the tokens by which such addresses are proven."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0051"
down_revision: str | None = "0050"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = "CREATE INDEX CONCURRENTLY ix_mail_log_waiting ON mail_log (recipient) WHERE state = 'queued'"


def upgrade() -> None:
    # Workers of the release before know no mail without an account: what they cannot send they try again later.
    op.execute("-- squawk-ignore ban-drop-not-null\nALTER TABLE mail_log ALTER COLUMN user_id DROP NOT NULL")
    op.create_table(
        "opt_in_tokens",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('newsletter', 'alert')", name=op.f("ck_opt_in_tokens_purpose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_in_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_opt_in_tokens_token_hash")),
    )
    op.create_index("ix_opt_in_tokens_target_id", "opt_in_tokens", ["target_id", "purpose"])
    op.create_index("ix_opt_in_tokens_expires_at", "opt_in_tokens", ["expires_at"])
    op.create_table(
        "newsletter_subscriptions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column(
            "requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'confirmed', 'unsubscribed')",
            name=op.f("ck_newsletter_subscriptions_state"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_newsletter_subscriptions_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_newsletter_subscriptions")),
        sa.UniqueConstraint("email_key", name=op.f("uq_newsletter_subscriptions_email_key")),
    )
    op.create_index("ix_newsletter_subscriptions_user_id", "newsletter_subscriptions", ["user_id"])
    op.create_index(
        "ix_newsletter_subscriptions_state", "newsletter_subscriptions", ["state", "requested_at"]
    )
    with op.get_context().autocommit_block():
        # An attempt that was interrupted leaves one that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_mail_log_waiting")
        op.execute(WAITING)


def downgrade() -> None:
    op.drop_index("ix_mail_log_waiting", "mail_log")
    op.drop_table("newsletter_subscriptions")
    op.drop_table("opt_in_tokens")
    op.execute("DELETE FROM mail_log WHERE user_id IS NULL")
    op.alter_column("mail_log", "user_id", nullable=False)
