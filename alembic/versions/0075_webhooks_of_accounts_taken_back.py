"""Webhooks know one more reason for being switched off: what happened to their owner's account."""

from collections.abc import Sequence

from alembic import op

revision: str = "0075"
down_revision: str | None = "0074"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME = "ck_webhook_endpoints_disabled_reason"
RULE = "ALTER TABLE webhook_endpoints ADD CONSTRAINT {name} CHECK (disabled_reason IN ({reasons})) NOT VALID"
CHECKED = f"ALTER TABLE webhook_endpoints VALIDATE CONSTRAINT {NAME}"


def upgrade() -> None:
    # The one that takes its place lets more through, in the same transaction.
    op.execute(f"-- squawk-ignore ban-drop-constraint\nALTER TABLE webhook_endpoints DROP CONSTRAINT {NAME}")
    op.execute(RULE.format(name=NAME, reasons="'owner', 'account', 'gone', 'failures'"))
    with op.get_context().autocommit_block():
        op.execute(CHECKED)


def downgrade() -> None:
    """The release before knows the owner alone, who may switch them on."""
    op.execute("UPDATE webhook_endpoints SET disabled_reason = 'owner' WHERE disabled_reason = 'account'")
    op.execute(f"ALTER TABLE webhook_endpoints DROP CONSTRAINT {NAME}")
    op.execute(RULE.format(name=NAME, reasons="'owner', 'gone', 'failures'"))
    op.execute(CHECKED)
