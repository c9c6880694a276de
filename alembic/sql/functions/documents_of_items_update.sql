-- A price goes into the document directly; the words are made anew only when title or description changed.
CREATE OR REPLACE FUNCTION public.documents_of_items_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN 
        UPDATE book_documents SET price = fresh.price FROM fresh JOIN stale USING (id)
        WHERE book_id = id AND fresh.price IS DISTINCT FROM stale.price; ids := ARRAY(
        SELECT id FROM fresh JOIN stale USING (id)
        WHERE (fresh.title, fresh.description) IS DISTINCT FROM (stale.title, stale.description)); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
