CREATE OR REPLACE FUNCTION public.documents_of_stock_levels_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN 
        UPDATE book_documents SET in_stock = fresh.on_hand > fresh.reserved FROM fresh JOIN stale USING (item_id)
        WHERE book_id = item_id
        AND (fresh.on_hand > fresh.reserved) <> (stale.on_hand > stale.reserved);  RETURN NULL; END $function$;
