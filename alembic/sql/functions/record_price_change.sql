-- A planned price that begins or ends writes its own history; any other change overrides the plans that would apply now.
CREATE OR REPLACE FUNCTION public.record_price_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
    BEGIN
        IF price_source() = 'schedule' THEN
            RETURN NULL;
        END IF;
        INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)
        VALUES (NEW.id, NEW.price, NEW.currency, clock_timestamp(), price_source(), price_actor());
        UPDATE price_schedules SET state = 'overridden', version = version + 1
        WHERE item_id = NEW.id
        AND (state = 'active' OR (state = 'pending' AND starts_at <= clock_timestamp()));
        RETURN NULL;
    END $function$;
