"""An item that gets its first price, or has none any more, has another price: that is announced as well."""

from collections.abc import Sequence

from alembic import op

revision: str = "0070"
down_revision: str | None = "0069"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ANNOUNCE_CHANGED_ITEMS = """
    CREATE OR REPLACE FUNCTION announce_changed_items() RETURNS trigger LANGUAGE plpgsql AS $function$
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
                        CASE WHEN fresh.price IS DISTINCT FROM stale.price
                            OR fresh.currency <> stale.currency THEN 'item.price_changed' END
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
ANNOUNCE_CHANGED_ITEMS_BEFORE = """
    CREATE OR REPLACE FUNCTION announce_changed_items() RETURNS trigger LANGUAGE plpgsql AS $function$
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


def upgrade() -> None:
    op.execute(ANNOUNCE_CHANGED_ITEMS)


def downgrade() -> None:
    op.execute(ANNOUNCE_CHANGED_ITEMS_BEFORE)
