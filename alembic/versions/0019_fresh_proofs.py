"""Sessions know when their owner last proved who they are; a mailed link can stop a change of address."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CHECK = "ck_one_time_tokens_purpose"
PURPOSES = ("verify_email", "reset_password", "change_email")


def upgrade() -> None:
    op.add_column(
        "auth_sessions",
        sa.Column(
            "authenticated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
    )
    # A session was opened by a proof; when it was last used says nothing.
    op.execute("UPDATE auth_sessions SET authenticated_at = created_at")
    _allow(*PURPOSES, "stop_email_change")


def downgrade() -> None:
    op.execute("DELETE FROM one_time_tokens WHERE purpose = 'stop_email_change'")
    _allow(*PURPOSES)
    op.drop_column("auth_sessions", "authenticated_at")


def _allow(*purposes: str) -> None:
    op.drop_constraint(op.f(CHECK), "one_time_tokens", type_="check")
    listed = ", ".join(f"'{purpose}'" for purpose in purposes)
    op.create_check_constraint(op.f(CHECK), "one_time_tokens", f"purpose IN ({listed})")
