-- A book off sale has no document: so lists, searches, facets and suggestions leave it out.
-- Locked first and read by the next statement: of two writers the second one sees what the first one wrote.
CREATE OR REPLACE FUNCTION public.refresh_book_documents(ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
    PERFORM FROM book_documents WHERE book_id = ANY (ids) ORDER BY book_id FOR NO KEY UPDATE;
    DELETE FROM book_documents USING items
    WHERE book_id = ANY (ids) AND items.id = book_id AND NOT items.is_active;
    WITH lines AS MATERIALIZED (
        SELECT shelf.id, array_agg(above.id) AS line
        FROM categories AS shelf, categories AS above,
            generate_series(1, cardinality(string_to_array(shelf.path, '/'))) AS depth
        WHERE shelf.id IN (SELECT category_id FROM book_categories WHERE book_id = ANY (ids))
        AND above.path = array_to_string((string_to_array(shelf.path, '/'))[:depth], '/')
        GROUP BY shelf.id
    ), made AS (
        SELECT book_id, array_agg(DISTINCT author_id) AS author_ids,
            string_agg(array_to_string(name || aliases, E'\n'), E'\n' ORDER BY position) AS names
        FROM contributors JOIN authors ON authors.id = author_id
        WHERE book_id = ANY (ids) GROUP BY book_id
    ), shelved AS (
        SELECT book_id, array_agg(DISTINCT one) AS category_ids
        FROM book_categories JOIN lines ON lines.id = category_id, unnest(line) AS one
        WHERE book_id = ANY (ids) GROUP BY book_id
    ), about AS (
        SELECT item_id, string_agg(DISTINCT concat_ws(' ', one ->> 'heading', one ->> 'code'), E'\n') AS words,
            array_agg(DISTINCT left(one ->> 'code', size)) AS codes
        FROM books, jsonb_array_elements(subjects) AS one, generate_series(1, length(one ->> 'code')) AS size
        WHERE item_id = ANY (ids) AND subjects <> '[]' GROUP BY item_id
    ), titled AS MATERIALIZED (
        SELECT id, title, description, price, plain_words(bare_letters(title_folded)) AS title_words,
            filed_title(title, language, title_sort) AS filed, subtitle, edition_statement, language, format, year,
            series_id, series_position
        FROM books JOIN items ON items.id = item_id WHERE item_id = ANY (ids) AND is_active
    ), kept AS (
        INSERT INTO book_documents (
            book_id, title_words, title_filed, words, price, in_stock, language, format, year, series_id,
            author_ids, category_ids, subject_codes, sample)
        SELECT titled.id, title_words, CASE WHEN filed <> title THEN nullif(search_text(filed), title_words) END,
            setweight(search_vector(title), 'A')
            || setweight(search_vector(concat_ws(E'\n', made.names, series.name, series_position)), 'B')
            || coalesce(setweight(search_vector(nullif(concat_ws(E'\n', subtitle, about.words), '')), 'C'), '')
            || coalesce(setweight(to_tsvector('simple', with_bigrams(search_text(
                nullif(concat_ws(E'\n', description, edition_statement), '')))), 'D'), ''),
            price, coalesce(stock_levels.available > 0, false),
            language, format, year, series_id,
            coalesce(author_ids, '{}'), coalesce(category_ids, '{}'), coalesce(about.codes, '{}'),
            hashint8(titled.id) & 2147483647
        FROM titled
        LEFT JOIN stock_levels ON stock_levels.item_id = titled.id
        LEFT JOIN series ON series.id = series_id
        LEFT JOIN made ON made.book_id = titled.id
        LEFT JOIN shelved ON shelved.book_id = titled.id
        LEFT JOIN about ON about.item_id = titled.id
        ORDER BY titled.id
        ON CONFLICT (book_id) DO UPDATE SET
            title_words = excluded.title_words, title_filed = excluded.title_filed, words = excluded.words,
            price = excluded.price, in_stock = excluded.in_stock, language = excluded.language,
            format = excluded.format, year = excluded.year, series_id = excluded.series_id,
            author_ids = excluded.author_ids, category_ids = excluded.category_ids,
            subject_codes = excluded.subject_codes
        RETURNING words
    )
    INSERT INTO search_words (word)
    SELECT DISTINCT lexeme FROM kept, unnest(tsvector_to_array(ts_filter(words, '{a,b,c}'))) AS lexeme
    WHERE length(lexeme) BETWEEN 3 AND 40 AND lexeme !~ '^[0-9]+$'
    AND NOT EXISTS (SELECT FROM search_words WHERE word = lexeme);
END $function$;
