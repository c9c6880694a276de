"""Items can be off sale, a book then without a search document; a price is 1,000,000 at most."""

import re
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from alembic import op

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SQL = Path(__file__).parents[1] / "sql"
# Prices above the limit stay as they are, with a constraint that only changes are held to.
LIMIT = "ALTER TABLE {table} ADD CONSTRAINT ck_{table}_price_at_most CHECK (price <= 1000000) NOT VALID"
VALIDATE = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM {table} WHERE price > 1000000) THEN
            ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_price_at_most;
        END IF;
    END $$
"""


def upgrade() -> None:
    op.add_column("items", sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False))
    for table in ("items", "price_schedules"):
        op.execute(LIMIT.format(table=table))
        op.execute(VALIDATE.format(table=table))
    _replace("0023_documents.sql")


def downgrade() -> None:
    """Everything is on sale again."""
    op.execute("UPDATE items SET is_active = true WHERE NOT is_active")
    _replace("0023_documents_before.sql")
    for table in ("items", "price_schedules"):
        op.drop_constraint(f"ck_{table}_price_at_most", table)
    op.drop_column("items", "is_active")


def _replace(file: str) -> None:
    for function in re.split(r"\n\n(?=CREATE)", (SQL / file).read_text()):
        # A colon would announce a parameter.
        op.execute(function.replace(":", r"\:"))
