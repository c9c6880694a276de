CREATE OR REPLACE FUNCTION public.keep_cart_count()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
        BEGIN
            INSERT INTO cart_quarters AS present (starts_at, carts)
            SELECT date_bin('15 minutes', max(added_at), 'epoch'), 1
            FROM cart_lines WHERE cart_id = OLD.id HAVING count(*) > 0
            ON CONFLICT (starts_at) DO UPDATE SET carts = present.carts + 1;
            RETURN OLD;
        END $function$;
