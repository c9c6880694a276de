CREATE OR REPLACE FUNCTION public.documents_of_series_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN  ids := ARRAY(
        SELECT item_id FROM books WHERE series_id IN (
            SELECT id FROM fresh JOIN stale USING (id) WHERE fresh.name <> stale.name)); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
