CREATE OR REPLACE FUNCTION public.documents_of_books_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN ids := ARRAY(SELECT item_id FROM fresh JOIN stale USING (item_id) WHERE (fresh.subtitle, fresh.language, fresh.format, fresh.year, fresh.series_id, fresh.subjects, fresh.edition_statement, fresh.series_position, fresh.title_sort) IS DISTINCT FROM (stale.subtitle, stale.language, stale.format, stale.year, stale.series_id, stale.subjects, stale.edition_statement, stale.series_position, stale.title_sort)); IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $function$;
