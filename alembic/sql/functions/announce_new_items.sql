CREATE OR REPLACE FUNCTION public.announce_new_items()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
        INSERT INTO outbox_events (type, payload, subject, user_id, done_at)
        SELECT 'item.created', jsonb_build_object(
            'item_id', id, 'kind', kind, 'title', title, 'price', price::text, 'currency', currency,
            'owner_id', owner_id
        ), 'item:' || id, owner_id, now()
        FROM fresh WHERE is_active ORDER BY id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $function$;
