CREATE OR REPLACE FUNCTION public.announce_stock()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT kind, jsonb_build_object(
            'item_id', item_id, 'available', now_available, 'old_available', was_available
        ), 'item:' || item_id, NULL, now()
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
    END $function$;
