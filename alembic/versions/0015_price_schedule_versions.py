"""Planned prices have versions, so that nobody changes one on stale knowledge."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# As 0013 made it, but for what is set of the plans that give way to an edit.
RECORD_CHANGE = """
    CREATE OR REPLACE FUNCTION record_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF price_source() = 'schedule' THEN
            RETURN NULL;
        END IF;
        INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)
        VALUES (NEW.id, NEW.price, NEW.currency, clock_timestamp(), price_source(), price_actor());
        UPDATE price_schedules SET state = 'overridden'{}
        WHERE item_id = NEW.id
        AND (state = 'active' OR (state = 'pending' AND starts_at <= clock_timestamp()));
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.add_column(
        "price_schedules", sa.Column("version", sa.BigInteger(), server_default="1", nullable=False)
    )
    op.execute(RECORD_CHANGE.format(", version = version + 1"))


def downgrade() -> None:
    op.execute(RECORD_CHANGE.format(""))
    op.drop_column("price_schedules", "version")
