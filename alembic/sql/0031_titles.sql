-- The title as it is filed: as the shop says, else without the article that begins it in its language. Without a known
-- language the articles are English.
CREATE OR REPLACE FUNCTION filed_title(title text, language text, title_sort text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    -- Where nothing says the language, `the` alone is an article for sure.
    articles CONSTANT text := CASE coalesce(split_part(language, '-', 1), '')
        WHEN '' THEN 'the' WHEN 'en' THEN 'the|an?' WHEN 'de' THEN 'der|die|das|eine?'
        WHEN 'fr' THEN 'les?|la|une?|des' WHEN 'es' THEN 'el|la|los|las|un|una|unos|unas'
        WHEN 'it' THEN 'il|lo|la|i|gli|le|uno?|una' WHEN 'pt' THEN 'os?|as?|um|uma'
        WHEN 'ca' THEN 'els?|la|les|una?' WHEN 'gl' THEN 'os?|as?|unha|un' WHEN 'nl' THEN 'de|het|een|''t|’t' WHEN 'af' THEN 'die|''n|’n'
        WHEN 'sv' THEN 'en|ett|den|det|de' WHEN 'da' THEN 'en|et|den|det|de' WHEN 'nb' THEN 'en|et|ei|den|det|de'
        WHEN 'nn' THEN 'ein|eit|ei|den|det|dei' WHEN 'no' THEN 'en|et|ei|den|det|de' WHEN 'is' THEN 'hinn|hin|hið'
        WHEN 'hu' THEN 'az?|egy' WHEN 'el' THEN 'ο|η|το|οι|τα|ένας|μια|μία|ένα' WHEN 'eo' THEN 'la' WHEN 'ga' THEN 'an|na' WHEN 'cy' THEN 'yr?'
        WHEN 'gd' THEN 'an|na|am|a''|a’' WHEN 'yi' THEN 'der|di|dos' END;
BEGIN
    IF title_sort IS NOT NULL THEN RETURN title_sort; END IF;
    IF articles IS NULL THEN RETURN title; END IF;
    IF split_part(language, '-', 1) IN ('fr', 'it', 'ca') THEN
        title := regexp_replace(title, '^[[:punct:]«»“”„‘’¡¿ ]*(?:l|un|gl)[''’`´](?=[[:alnum:]])', '', 'i');
    END IF;
    RETURN regexp_replace(title, '^[[:punct:]«»“”„‘¡¿ ]*(?:' || articles || ')\s+(?=.*[[:alnum:]])' COLLATE pg_c_utf8, '', 'i');
END $$;

-- A book off sale has no document: so lists, searches, facets and suggestions leave it out.
-- Locked first and read by the next statement: of two writers the second one sees what the first one wrote.
CREATE OR REPLACE FUNCTION refresh_book_documents(ids bigint[])
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
    ), kept AS (
        INSERT INTO book_documents (
            book_id, title_words, title_filed, words, price, in_stock, language, format, year, series_id,
            author_ids, category_ids, subject_codes, sample)
        SELECT items.id, plain_words(bare_letters(items.title_folded)),
            CASE WHEN filed <> items.title THEN nullif(search_text(filed), plain_words(bare_letters(items.title_folded))) END,
            setweight(search_vector(items.title), 'A')
            || setweight(search_vector(concat_ws(E'\n', made.names, series.name, books.series_position)), 'B')
            || coalesce(setweight(search_vector(nullif(concat_ws(E'\n', books.subtitle, about.words), '')), 'C'), '')
            || coalesce(setweight(to_tsvector('simple', with_bigrams(search_text(
                nullif(concat_ws(E'\n', items.description, books.edition_statement), '')))), 'D'), ''),
            items.price, coalesce(stock_levels.on_hand > stock_levels.reserved, false),
            books.language, books.format, books.year, books.series_id,
            coalesce(author_ids, '{}'), coalesce(category_ids, '{}'), coalesce(about.codes, '{}'),
            hashint8(items.id) & 2147483647
        FROM books
        JOIN items ON items.id = books.item_id
        CROSS JOIN LATERAL filed_title(items.title, books.language, books.title_sort) AS filed
        LEFT JOIN stock_levels ON stock_levels.item_id = items.id
        LEFT JOIN series ON series.id = books.series_id
        LEFT JOIN made ON made.book_id = items.id
        LEFT JOIN shelved ON shelved.book_id = items.id
        LEFT JOIN LATERAL (
            SELECT string_agg(DISTINCT concat_ws(' ', one ->> 'heading', one ->> 'code'), E'\n') AS words,
                array_agg(DISTINCT left(one ->> 'code', size)) AS codes
            FROM jsonb_array_elements(books.subjects) AS one, generate_series(1, length(one ->> 'code')) AS size
        ) AS about ON books.subjects <> '[]'
        WHERE books.item_id = ANY (ids) AND items.is_active
        ORDER BY items.id
        ON CONFLICT (book_id) DO UPDATE SET
            title_words = excluded.title_words, title_filed = excluded.title_filed, words = excluded.words,
            price = excluded.price, in_stock = excluded.in_stock, language = excluded.language,
            format = excluded.format, year = excluded.year, series_id = excluded.series_id,
            author_ids = excluded.author_ids, category_ids = excluded.category_ids,
            subject_codes = excluded.subject_codes
        RETURNING words
    )
    INSERT INTO search_words (word)
    SELECT DISTINCT lexeme FROM kept, unnest(words) AS entry
    WHERE weights <> '{D}' AND length(lexeme) BETWEEN 3 AND 40 AND lexeme !~ '^[0-9]+$'
    AND NOT EXISTS (SELECT FROM search_words WHERE word = lexeme);
END $function$;
