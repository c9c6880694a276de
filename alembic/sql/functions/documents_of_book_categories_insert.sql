CREATE OR REPLACE FUNCTION public.documents_of_book_categories_insert()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN  ids := ARRAY(SELECT book_id FROM fresh); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
