CREATE OR REPLACE FUNCTION public.announce_stock()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
    END $function$;
