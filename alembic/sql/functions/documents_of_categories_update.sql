-- What stands below a moved category is found by parents: its paths are changed by a later statement.
-- Locked first and read by the next statement, as in refresh_book_documents.
CREATE OR REPLACE FUNCTION public.documents_of_categories_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ DECLARE ids bigint[]; BEGIN 
        WITH RECURSIVE moved AS (
            SELECT id FROM fresh JOIN stale USING (id) WHERE fresh.parent_id IS DISTINCT FROM stale.parent_id
            UNION SELECT categories.id FROM categories JOIN moved ON categories.parent_id = moved.id
        )
        SELECT array_agg(DISTINCT book_id) INTO ids FROM book_categories JOIN moved ON id = category_id;
        IF ids IS NOT NULL THEN
            PERFORM FROM book_documents WHERE book_id = ANY (ids) ORDER BY book_id FOR NO KEY UPDATE;
            WITH RECURSIVE lines AS (
                SELECT id AS shelf, id AS above, parent_id FROM categories
                UNION SELECT shelf, id, categories.parent_id FROM lines JOIN categories ON id = lines.parent_id
            ), shelved AS (
                SELECT book_id, array_agg(DISTINCT above) AS category_ids
                FROM book_categories JOIN lines ON shelf = category_id
                WHERE book_id = ANY (ids) GROUP BY book_id
            )
            UPDATE book_documents SET category_ids = shelved.category_ids FROM shelved
            WHERE book_documents.book_id = shelved.book_id
            AND book_documents.category_ids <> shelved.category_ids;
        END IF;  RETURN NULL; END $function$;
