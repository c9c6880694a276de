-- The lowest price of the 30 days before a reduction (Directive 98/6/EC, art. 6a), kept while the price stands reduced.
-- The price of the window's first moment was set before it; 720 hours are 30 days in any time zone.
CREATE OR REPLACE FUNCTION public.keep_lowest_price()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    DECLARE since timestamptz := clock_timestamp() - interval '720 hours';
    BEGIN
        IF NEW.price < OLD.price AND NEW.currency = OLD.currency THEN
            NEW.lowest_price_30d := coalesce(OLD.lowest_price_30d, least(OLD.price, (
                SELECT min(price) FROM price_changes
                WHERE item_id = OLD.id AND currency = OLD.currency AND changed_at >= coalesce((
                    SELECT max(changed_at) FROM price_changes WHERE item_id = OLD.id AND changed_at <= since
                ), '-infinity')
            )));
        ELSE
            NEW.lowest_price_30d := NULL;
        END IF;
        RETURN NEW;
    END $function$;
