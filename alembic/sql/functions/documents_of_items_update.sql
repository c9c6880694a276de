-- A price goes into the document directly; the words are made anew only when title or description changed.
-- What comes back on sale gets a document anew: nobody else brings one up to date that is not there yet, so
-- whoever is changing what it is made of (names, shelves, stock) is waited for first.
CREATE OR REPLACE FUNCTION public.documents_of_items_update()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
DECLARE ids bigint[];
BEGIN
    UPDATE book_documents SET price = fresh.price FROM fresh JOIN stale USING (id)
    WHERE book_id = id AND fresh.price IS DISTINCT FROM stale.price;
    ids := ARRAY(SELECT id FROM fresh JOIN stale USING (id) WHERE fresh.is_active AND NOT stale.is_active);
    IF ids <> '{}' THEN
        PERFORM FROM authors WHERE id IN (SELECT author_id FROM contributors WHERE book_id = ANY (ids))
        ORDER BY id FOR SHARE;
        PERFORM FROM series WHERE id IN (SELECT series_id FROM books WHERE item_id = ANY (ids))
        ORDER BY id FOR SHARE;
        PERFORM FROM categories WHERE id IN (SELECT category_id FROM book_categories WHERE book_id = ANY (ids))
        ORDER BY id FOR SHARE;
        PERFORM FROM stock_levels WHERE item_id = ANY (ids) ORDER BY item_id FOR SHARE;
    END IF;
    ids := ARRAY(
        SELECT id FROM fresh JOIN stale USING (id)
        WHERE (fresh.title, fresh.description, fresh.is_active)
        IS DISTINCT FROM (stale.title, stale.description, stale.is_active));
    IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF;
    RETURN NULL;
END $function$;
