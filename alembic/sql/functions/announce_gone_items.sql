CREATE OR REPLACE FUNCTION public.announce_gone_items()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT 'item.deleted', jsonb_build_object('item_id', id, 'kind', kind), 'item:' || id, owner_id, now()
        FROM stale WHERE is_active ORDER BY id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$;
