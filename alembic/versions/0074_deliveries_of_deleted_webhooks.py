"""Deliveries may outlive their webhook until the purge deletes them: nobody waits for hundreds of thousands of them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0074"
down_revision: str | None = "0073"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = "fk_webhook_deliveries_endpoint_id_webhook_endpoints"


def upgrade() -> None:
    # The release before deletes deliveries itself before their webhook, and reads none without it.
    op.execute(f"-- squawk-ignore ban-drop-constraint\nALTER TABLE webhook_deliveries DROP CONSTRAINT {KEY}")


def downgrade() -> None:
    op.execute(
        "DELETE FROM webhook_deliveries WHERE NOT EXISTS"
        " (SELECT FROM webhook_endpoints WHERE webhook_endpoints.id = endpoint_id)"
    )
    op.create_foreign_key(
        op.f(KEY), "webhook_deliveries", "webhook_endpoints", ["endpoint_id"], ["id"], ondelete="CASCADE"
    )
