-- The expression with misspelt words mended; NULL where enough is found as it is, or nothing better is known.
-- Mended are the words that are nowhere in the catalogue, or any when all are known and yet nothing is found.
-- Of several words that may be meant the nearest is taken, then the one that more books have beside the other words.
-- That a few rows are enough must not tempt the planner to read the table until it has met them: hence the settings.
CREATE OR REPLACE FUNCTION public.corrected_search(value text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE STRICT
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET enable_indexonlyscan TO 'off'
AS $function$
DECLARE
    asked tsquery := search_query(value);
    parts text[] := string_to_array(search_expression(value), ' ');
    fillers text[] := ARRAY(SELECT term FROM search_terms(search_expression(value)) WHERE kind = 'filler');
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
        CONTINUE WHEN bare = '' OR starts_with(bare, '-') OR bare = 'or' OR bare = ANY (fillers);
        wanted[place] := quote_literal(bare);
        CONTINUE WHEN length(bare) NOT BETWEEN 3 AND 40 OR bare ~ '^[0-9]+$';
        checked := checked || place;
        IF NOT EXISTS (SELECT FROM search_words AS known WHERE known.word = bare)
            AND other_spellings(parts, place) IS NULL THEN
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
END $function$;
