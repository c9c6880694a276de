CREATE OR REPLACE FUNCTION public.documents_of_stock_levels_insert()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN 
        UPDATE book_documents SET in_stock = true FROM fresh
        WHERE book_id = item_id AND fresh.available > 0;  RETURN NULL; END $function$;
