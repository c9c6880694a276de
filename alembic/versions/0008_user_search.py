"""Staff find accounts by part of a name or address, and newest first, without reading them all."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0008"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SEARCHED = "fold_names(username, ARRAY[email, full_name, first_name, last_name])"


def upgrade() -> None:
    op.create_index("ix_users_created_at", "users", ["created_at"], unique=False)
    op.create_index(
        "ix_users_search_trigrams",
        "users",
        [sa.literal_column(SEARCHED).label("searched")],
        unique=False,
        postgresql_ops={"searched": "gin_trgm_ops"},
        postgresql_using="gin",
    )


def downgrade() -> None:
    op.drop_index("ix_users_search_trigrams", table_name="users", postgresql_using="gin")
    op.drop_index("ix_users_created_at", table_name="users")
