CREATE OR REPLACE FUNCTION public.documents_of_stock_levels_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN 
        UPDATE book_documents SET in_stock = fresh.available > 0 FROM fresh JOIN stale USING (item_id)
        WHERE book_id = item_id
        AND (fresh.available > 0) <> (stale.available > 0);  RETURN NULL; END $function$;
