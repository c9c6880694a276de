"""Accounts have a gender and several ways of notification; full sessions read and write profiles."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAYS = "ck_users_notifications"
USER = ("items:write",)
MODERATOR = (*USER, "catalog:manage", "catalog:transfer", "items:moderate")
ADMIN = (
    *MODERATOR,
    "audit:read",
    "jobs:read",
    "roles:assign",
    "stats:read",
    "tokens:introspect",
    "users:manage",
    "users:read",
)
WHOLE = {"user": USER, "moderator": MODERATOR, "admin": ADMIN, "super_admin": ADMIN}
WIDEN = sa.text("""
    UPDATE auth_sessions SET scopes = scopes || '{profile:read,profile:write}'::text[]
    FROM users
    WHERE users.id = auth_sessions.user_id AND users.role = :role AND ended_at IS NULL AND scopes @> :whole
""").bindparams(sa.bindparam("whole", type_=postgresql.ARRAY(sa.Text())))


def upgrade() -> None:
    op.add_column("users", sa.Column("gender", sa.Text()))
    op.create_check_constraint(
        op.f("ck_users_gender"), "users", "gender IN ('male', 'female', 'non_binary', 'prefer_not_to_say')"
    )
    op.drop_constraint(op.f(WAYS), "users", type_="check")
    op.execute("ALTER TABLE users ALTER notifications DROP DEFAULT")
    op.execute("ALTER TABLE users ALTER notifications TYPE text[] USING ARRAY[notifications]")
    op.execute("ALTER TABLE users ALTER notifications SET DEFAULT '{email}'")
    op.create_check_constraint(
        op.f(WAYS),
        "users",
        "cardinality(notifications) > 0 AND notifications <@ '{email,sms,push,none}'::text[]",
    )
    # A session that had all that its role may do has all of it now. API keys keep what they were given.
    for role, whole in WHOLE.items():
        op.execute(WIDEN.bindparams(role=role, whole=list(whole)))


def downgrade() -> None:
    narrow = "scopes = array_remove(array_remove(scopes, 'profile:read'), 'profile:write')"
    for table in ("auth_sessions", "api_keys"):
        op.execute(f"UPDATE {table} SET {narrow}")  # noqa: S608 (names of ours)
    op.drop_constraint(op.f(WAYS), "users", type_="check")
    op.execute("ALTER TABLE users ALTER notifications DROP DEFAULT")
    op.execute("ALTER TABLE users ALTER notifications TYPE text USING notifications[1]")
    op.execute("ALTER TABLE users ALTER notifications SET DEFAULT 'email'")
    op.create_check_constraint(op.f(WAYS), "users", "notifications IN ('email', 'sms', 'push', 'none')")
    op.drop_column("users", "gender")
