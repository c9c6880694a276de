-- The query in the syntax of websearch_to_tsquery, its words as in search_text; chr(1) keeps the place of a minus.
CREATE FUNCTION search_expression(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(
    regexp_replace(
        regexp_replace(
            regexp_replace(
                translate(fold(value), '''`´ʹʻʼʽʾʿˈ', ''),
                '(^|[^[:alnum:]])-(?=["[:alnum:]])' COLLATE pg_c_utf8, '\1' || chr(1), 'g'),
            '[^[:alnum:]"' || chr(1) || ']+' COLLATE pg_c_utf8, ' ', 'g'),
        '\m([[:alpha:]]) (?=[[:alpha:]]\M)' COLLATE pg_c_utf8, '\1', 'g'),
    ' ?' || chr(1), ' -', 'g'));

-- The title that is looked for; NULL where the query has no word, or words that must not occur.
CREATE FUNCTION search_title(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE WHEN search_expression(value) !~ '(^| )-' THEN nullif(search_text(value), '') END;

-- What is looked for: NULL where there is no word, or only such as must not occur.
-- A word with an umlaut is looked for as ae, oe, ue too, one with a hyphen in one word too; then synonyms are added.
CREATE FUNCTION search_query(value text) RETURNS tsquery LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    expression text := search_expression(value);
    asked tsquery;
    word text;
    plain tsquery;
    variant tsquery;
BEGIN
    IF expression = '' THEN RETURN NULL; END IF;
    asked := websearch_to_tsquery('simple', expression);
    IF querytree(asked) IN ('', 'T') THEN RETURN NULL; END IF;
    FOR word IN
        SELECT DISTINCT match[1]
        FROM regexp_matches(
            casefold(normalize(value) COLLATE pg_unicode_fast) COLLATE pg_c_utf8,
            '[[:alnum:]]*[äöüøå][[:alnum:]]*|[[:alnum:]]+(?:-[[:alnum:]]+)+', 'g') AS match
    LOOP
        plain := plainto_tsquery('simple', search_text(word));
        variant := plainto_tsquery('simple', regexp_replace(search_variants(word), '^.* (?=.)', ''));
        IF numnode(plain) > 0 AND numnode(variant) > 0 AND plain <> variant THEN
            asked := ts_rewrite(asked, plain, plain || variant);
        END IF;
    END LOOP;
    RETURN ts_rewrite(asked, format(
        'SELECT searched, (searched::text || '' | '' || string_agg(finds::text, '' | ''))::tsquery'
        ' FROM search_synonym_rules WHERE %L::tsquery @> searched GROUP BY searched', asked));
END $$;

-- Known words that may be meant by a misspelt one, the nearest first. One mistake is a letter too many, too few or
-- wrong, two letters exchanged, or an end left out.
CREATE FUNCTION similar_words(misspelt text) RETURNS TABLE (word text, mistakes integer)
LANGUAGE sql STABLE STRICT PARALLEL SAFE SET pg_trgm.similarity_threshold = 0.3
BEGIN ATOMIC
    SELECT near.word, min(near.mistakes) FROM (
        SELECT known.word, levenshtein_less_equal(misspelt, known.word, 3) AS mistakes
        FROM search_words AS known WHERE known.word % misspelt
        UNION ALL
        SELECT known.word, 1
        FROM search_words AS known, generate_series(1, length(misspelt) - 1) AS place
        WHERE known.word = overlay(misspelt PLACING reverse(substr(misspelt, place, 2)) FROM place FOR 2) COLLATE "C"
        UNION ALL
        (SELECT known.word, 1 FROM search_words AS known
        WHERE length(misspelt) > 3
        AND known.word > misspelt COLLATE "C" AND known.word < (misspelt || chr(1114111)) COLLATE "C"
        ORDER BY known.word LIMIT 20)
    ) AS near
    WHERE near.mistakes <= CASE WHEN length(misspelt) < 5 THEN 1 WHEN length(misspelt) < 9 THEN 2 ELSE 3 END
    GROUP BY near.word
    ORDER BY min(near.mistakes), similarity(near.word, misspelt) DESC, near.word
    LIMIT 8;
END;

-- The expression with misspelt words mended; NULL where enough is found as it is, or nothing better is known.
-- Mended are the words that are nowhere in the catalogue, or any when all are known and yet nothing is found.
-- Of several words that may be meant the nearest is taken, then the one that more books have beside the other words.
CREATE FUNCTION corrected_search(value text) RETURNS text LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
-- That a few rows are enough must not tempt the planner to read the table until it has met them.
SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
DECLARE
    asked tsquery := search_query(value);
    parts text[] := string_to_array(search_expression(value), ' ');
    wanted text[] := '{}';
    wrong integer[] := '{}';
    checked integer[] := '{}';
    place integer;
    bare text;
    meant tsquery;
    hits integer;
    books integer;
    best text;
BEGIN
    hits := (SELECT count(*) FROM (SELECT FROM book_documents WHERE words @@ (SELECT asked) LIMIT 5) AS few);
    IF asked IS NULL OR hits = 5 THEN RETURN NULL; END IF;
    FOR place IN 1 .. cardinality(parts) LOOP
        bare := btrim(parts[place], '"');
        CONTINUE WHEN bare = '' OR starts_with(bare, '-') OR bare = 'or';
        wanted[place] := quote_literal(bare);
        CONTINUE WHEN length(bare) NOT BETWEEN 3 AND 40 OR bare ~ '^[0-9]+$';
        checked := checked || place;
        IF NOT EXISTS (SELECT FROM search_words AS known WHERE known.word = bare) THEN
            wrong := wrong || place;
        END IF;
    END LOOP;
    IF wrong = '{}' AND hits = 0 THEN wrong := checked; END IF;
    IF cardinality(wrong) NOT BETWEEN 1 AND 5 THEN RETURN NULL; END IF;
    FOREACH place IN ARRAY wrong LOOP
        wanted[place] := (
            SELECT '(' || string_agg(quote_literal(near.word), ' | ') || ')'
            FROM similar_words(btrim(parts[place], '"')) AS near);
        IF wanted[place] IS NULL THEN RETURN NULL; END IF;
    END LOOP;
    FOREACH place IN ARRAY wrong LOOP
        bare := btrim(parts[place], '"');
        meant := CASE WHEN 'or' = ANY (parts) THEN wanted[place] ELSE array_to_string(wanted, ' & ') END;
        WITH mainly AS MATERIALIZED (
            SELECT words FROM book_documents
            WHERE ts_filter(words, '{a,b}'::"char"[]) @@ (SELECT meant)
            LIMIT 500
        ), beside AS MATERIALIZED (
            SELECT words FROM mainly
            UNION ALL
            (SELECT words FROM book_documents
            WHERE words @@ (SELECT meant) AND NOT EXISTS (SELECT FROM mainly)
            LIMIT 500)
        )
        SELECT near.word, having_it.books INTO best, books
        FROM similar_words(bare) AS near,
            LATERAL (SELECT count(*) AS books FROM beside WHERE words @@ quote_literal(near.word)::tsquery) AS having_it
        WHERE having_it.books > 0
        ORDER BY near.mistakes, having_it.books DESC, near.word
        LIMIT 1;
        IF best IS NULL THEN RETURN NULL; END IF;
        wanted[place] := quote_literal(best);
        parts[place] := replace(parts[place], bare, best);
    END LOOP;
    bare := array_to_string(parts, ' ');
    RETURN CASE WHEN books > hits AND bare <> search_expression(value) THEN bare END;
END $$;
