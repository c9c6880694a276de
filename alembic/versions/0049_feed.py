"""The outbox becomes a feed as well: what others may hear of has a subject, and gets a place in one order."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0049"
down_revision: str | None = "0048"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = {
    "ix_outbox_events_sequence": "CREATE UNIQUE INDEX CONCURRENTLY ix_outbox_events_sequence ON outbox_events (sequence)",
    "ix_outbox_events_unsequenced": "CREATE INDEX CONCURRENTLY ix_outbox_events_unsequenced ON outbox_events (id)"
    " WHERE subject IS NOT NULL AND sequence IS NULL",
    "ix_outbox_events_subject": "CREATE INDEX CONCURRENTLY ix_outbox_events_subject ON outbox_events"
    " (subject, sequence) WHERE subject IS NOT NULL",
    "ix_outbox_events_user_id": "CREATE INDEX CONCURRENTLY ix_outbox_events_user_id ON outbox_events"
    " (user_id, sequence) WHERE user_id IS NOT NULL",
}
ANNOUNCE_STOCK = """
    CREATE OR REPLACE FUNCTION announce_stock() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT kind, jsonb_build_object(
            'item_id', item_id, 'available', now_available, 'old_available', was_available
        ), 'item\\:' || item_id, NULL, now()
        FROM (
            SELECT item_id, fresh.available AS now_available, stale.available AS was_available,
                CASE
                    WHEN stale.available > 0 AND fresh.available <= 0 THEN 'stock.out'
                    WHEN stale.available <= 0 AND fresh.available > 0 THEN 'stock.back'
                    WHEN stale.available > fresh.low_stock_threshold
                        AND fresh.available <= fresh.low_stock_threshold THEN 'stock.low'
                END AS crossing
            FROM fresh JOIN stale USING (item_id) JOIN items ON items.id = item_id
            WHERE fresh.available <> stale.available AND is_active
        ) AS changed, unnest(ARRAY['stock.changed', crossing]) AS kind
        WHERE kind IS NOT NULL ORDER BY item_id, kind;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$
"""
ANNOUNCE_STOCK_BEFORE = """
    CREATE OR REPLACE FUNCTION announce_stock() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload)
        SELECT kind, jsonb_build_object('item_id', item_id, 'available', now_available)
        FROM (
            SELECT item_id, fresh.available AS now_available,
                CASE
                    WHEN stale.available > 0 AND fresh.available <= 0 THEN 'stock.out'
                    WHEN stale.available <= 0 AND fresh.available > 0 THEN 'stock.back'
                    WHEN stale.available > fresh.low_stock_threshold
                        AND fresh.available <= fresh.low_stock_threshold THEN 'stock.low'
                END AS kind
            FROM fresh JOIN stale USING (item_id)
        ) AS crossed
        WHERE kind IS NOT NULL ORDER BY item_id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$
"""
ANNOUNCE_NEW_ITEMS = """
    CREATE FUNCTION announce_new_items() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT 'item.created', jsonb_build_object(
            'item_id', id, 'kind', kind, 'title', title, 'price', price\\:\\:text, 'currency', currency,
            'owner_id', owner_id
        ), 'item\\:' || id, owner_id, now()
        FROM fresh WHERE is_active ORDER BY id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$
"""
ANNOUNCE_CHANGED_ITEMS = """
    CREATE FUNCTION announce_changed_items() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT type, CASE type
            WHEN 'item.price_changed' THEN jsonb_build_object(
                'item_id', id, 'price', new_price\\:\\:text, 'old_price', old_price\\:\\:text, 'currency', currency)
            WHEN 'item.created' THEN jsonb_build_object(
                'item_id', id, 'kind', kind, 'title', title, 'price', new_price\\:\\:text, 'currency', currency,
                'owner_id', owner_id)
            WHEN 'item.deleted' THEN jsonb_build_object('item_id', id, 'kind', kind)
            ELSE jsonb_build_object('item_id', id, 'kind', kind, 'title', title, 'version', version)
        END, 'item\\:' || id, owner_id, now()
        FROM (
            SELECT fresh.id, fresh.kind, fresh.title, fresh.version, fresh.currency, fresh.owner_id,
                fresh.price AS new_price, stale.price AS old_price,
                CASE
                    WHEN stale.is_active AND NOT fresh.is_active THEN ARRAY['item.deleted']
                    WHEN fresh.is_active AND NOT stale.is_active THEN ARRAY['item.created']
                    WHEN fresh.is_active THEN ARRAY[
                        CASE WHEN fresh.version <> stale.version THEN 'item.updated' END,
                        CASE WHEN fresh.price <> stale.price OR fresh.currency <> stale.currency
                            THEN 'item.price_changed' END
                    ]
                END AS types
            FROM fresh JOIN stale USING (id)
        ) AS changed, unnest(types) AS type
        WHERE type IS NOT NULL ORDER BY id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$
"""
ANNOUNCE_GONE_ITEMS = """
    CREATE FUNCTION announce_gone_items() RETURNS trigger LANGUAGE plpgsql AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT 'item.deleted', jsonb_build_object('item_id', id, 'kind', kind), 'item\\:' || id, owner_id, now()
        FROM stale WHERE is_active ORDER BY id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$
"""


def upgrade() -> None:
    op.add_column("outbox_events", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("outbox_events", sa.Column("user_id", sa.BigInteger(), nullable=True))
    op.add_column("outbox_events", sa.Column("sequence", sa.BigInteger(), nullable=True))
    op.create_table(
        "feed_head",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_head")),
    )
    op.execute("INSERT INTO feed_head (id) VALUES (1)")
    op.execute(ANNOUNCE_STOCK)
    op.execute(ANNOUNCE_NEW_ITEMS)
    op.execute(
        "CREATE TRIGGER announce_new_items AFTER INSERT ON items"
        " REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION announce_new_items()"
    )
    op.execute(ANNOUNCE_CHANGED_ITEMS)
    op.execute(
        "CREATE TRIGGER announce_changed_items AFTER UPDATE ON items REFERENCING OLD TABLE AS stale"
        " NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION announce_changed_items()"
    )
    op.execute(ANNOUNCE_GONE_ITEMS)
    op.execute(
        "CREATE TRIGGER announce_gone_items AFTER DELETE ON items"
        " REFERENCING OLD TABLE AS stale FOR EACH STATEMENT EXECUTE FUNCTION announce_gone_items()"
    )
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            # An attempt that was interrupted leaves one that is not valid.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(definition)


def downgrade() -> None:
    for name in ("new", "changed", "gone"):
        op.execute(f"DROP TRIGGER announce_{name}_items ON items")
        op.execute(f"DROP FUNCTION announce_{name}_items")
    op.execute(ANNOUNCE_STOCK_BEFORE)
    op.drop_table("feed_head")
    op.drop_index("ix_outbox_events_user_id", "outbox_events")
    op.drop_index("ix_outbox_events_subject", "outbox_events")
    op.drop_index("ix_outbox_events_unsequenced", "outbox_events")
    op.drop_index("ix_outbox_events_sequence", "outbox_events")
    op.drop_column("outbox_events", "sequence")
    op.drop_column("outbox_events", "user_id")
    op.drop_column("outbox_events", "subject")
