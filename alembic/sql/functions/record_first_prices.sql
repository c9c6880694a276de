-- A statement's new items at once, from its transition table: an import adds thousands.
CREATE OR REPLACE FUNCTION public.record_first_prices()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    DECLARE is_import boolean := price_source() = 'import';
    BEGIN
        INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)
        SELECT id, price, currency, created_at,
            CASE WHEN is_import THEN 'import' ELSE 'initial' END,
            CASE WHEN is_import THEN coalesce(price_actor(), owner_id) ELSE owner_id END
        FROM added;
        RETURN NULL;
    END $function$;
