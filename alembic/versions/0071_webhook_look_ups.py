"""The index of ordered deliveries serves no other look-ups than those of their order."""

from collections.abc import Sequence

from alembic import op

revision: str = "0071"
down_revision: str | None = "0070"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

IN_ORDER = (
    "CREATE INDEX CONCURRENTLY ix_webhook_deliveries_in_order ON webhook_deliveries"
    " (endpoint_id, subject, sequence) WHERE state NOT IN ('delivered', 'dead')"
)
ORDERED = (
    "CREATE INDEX CONCURRENTLY ix_webhook_deliveries_ordered ON webhook_deliveries"
    " (endpoint_id, subject, sequence) WHERE state = 'pending'"
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An attempt that was interrupted leaves one that is not valid.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_webhook_deliveries_in_order")
        op.execute(IN_ORDER)
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_webhook_deliveries_ordered")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_webhook_deliveries_ordered")
        op.execute(ORDERED)
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_webhook_deliveries_in_order")
