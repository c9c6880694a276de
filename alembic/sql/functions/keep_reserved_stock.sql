CREATE OR REPLACE FUNCTION public.keep_reserved_stock()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ BEGIN
    RAISE EXCEPTION 'open orders wait for some of item %', OLD.item_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_stock_levels_gone_unreserved';
END $function$;
