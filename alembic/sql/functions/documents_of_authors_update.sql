CREATE OR REPLACE FUNCTION public.documents_of_authors_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN  ids := ARRAY(
        SELECT book_id FROM contributors WHERE author_id IN (
            SELECT id FROM fresh JOIN stale USING (id)
            WHERE (fresh.name, fresh.aliases) IS DISTINCT FROM (stale.name, stale.aliases))); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
