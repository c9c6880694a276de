CREATE OR REPLACE FUNCTION public.documents_of_book_categories_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN  ids := ARRAY(SELECT book_id FROM fresh UNION SELECT book_id FROM stale); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
