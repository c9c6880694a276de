"""Each try at a webhook is kept, not the last one alone."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0066"
down_revision: str | None = "0065"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "webhook_tries",
        sa.Column("delivery_id", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name=op.f("fk_webhook_tries_delivery_id_webhook_deliveries"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "attempted_at", name=op.f("pk_webhook_tries")),
    )
    op.execute(
        """
        INSERT INTO webhook_tries (delivery_id, attempted_at, url, status, duration_ms, error, answer)
        SELECT id, attempted_at, sent_to, status, duration_ms, error, answer FROM webhook_deliveries
        WHERE attempted_at IS NOT NULL AND sent_to IS NOT NULL AND duration_ms IS NOT NULL
        """
    )
    # The release before has no webhooks at all: nobody else reads these.
    op.execute("-- squawk-ignore ban-drop-column\nALTER TABLE webhook_deliveries DROP COLUMN sent_to")
    op.execute("-- squawk-ignore ban-drop-column\nALTER TABLE webhook_deliveries DROP COLUMN answer")


def downgrade() -> None:
    op.add_column("webhook_deliveries", sa.Column("answer", sa.Text(), nullable=True))
    op.add_column("webhook_deliveries", sa.Column("sent_to", sa.Text(), nullable=True))
    op.execute(
        """
        UPDATE webhook_deliveries SET sent_to = last.url, answer = last.answer FROM (
            SELECT DISTINCT ON (delivery_id) * FROM webhook_tries ORDER BY delivery_id, attempted_at DESC
        ) AS last WHERE last.delivery_id = webhook_deliveries.id
        """
    )
    op.drop_table("webhook_tries")
