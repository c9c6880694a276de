CREATE OR REPLACE FUNCTION public.documents_of_contributors_delete()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN  ids := ARRAY(SELECT book_id FROM stale); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
