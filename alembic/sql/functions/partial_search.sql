CREATE OR REPLACE FUNCTION public.partial_search(value text, OUT most tsquery, OUT rare tsquery, OUT words text[], OUT queries tsquery[], OUT weights double precision[])
 RETURNS SETOF record
 LANGUAGE plpgsql
 PARALLEL SAFE STRICT ROWS 1
 SET enable_seqscan TO 'off'
 SET enable_indexscan TO 'off'
 SET enable_indexonlyscan TO 'off'
AS $function$
DECLARE
    expression CONSTANT text := search_expression(value);
    asked CONSTANT tsquery := search_query(value);
    title CONSTANT text := search_title(value);
    all_books CONSTANT double precision := greatest(1, (SELECT reltuples FROM pg_class WHERE oid = 'book_documents'::regclass));
    excluded tsquery := NULL;
    terms text[];
    kinds text[];
    books integer[];
    plan json;
    expected double precision;
    finding tsquery;
    known integer[];
    total integer := 0;
BEGIN
    SELECT array_agg(term ORDER BY place), array_agg(kind ORDER BY place) INTO terms, kinds
    FROM search_terms(expression) WHERE kind <> 'filler';
    IF asked IS NULL OR 'or' = ANY (terms) OR cardinality(array_remove(array_remove(kinds, 'excluded'), '')) < 2 THEN RETURN; END IF;
    IF EXISTS (SELECT FROM book_documents WHERE book_documents.words @@ asked) OR EXISTS (
        SELECT FROM book_documents WHERE title_words >= title AND title_words < title || chr(1114111)) THEN RETURN; END IF;
    words := '{}';
    queries := '{}';
    books := '{}';
    FOR place IN 1 .. cardinality(terms) LOOP
        IF kinds[place] = 'excluded' THEN
            excluded := coalesce(excluded && websearch_to_tsquery('simple', terms[place]), websearch_to_tsquery('simple', terms[place]));
            CONTINUE;
        END IF;
        finding := search_query(terms[place]);
        CONTINUE WHEN finding IS NULL OR cardinality(words) = 12;
        words := words || coalesce(
            (SELECT raw FROM regexp_split_to_table(value, '\s+') AS raw WHERE search_expression(raw) = terms[place] LIMIT 1), terms[place]);
        IF kinds[place] = 'word' THEN
            finding := coalesce(finding || other_spellings(ARRAY(SELECT CASE WHEN kind = 'word' THEN term END
                FROM unnest(terms, kinds) WITH ORDINALITY AS others (term, kind, at) ORDER BY at), place), finding);
        END IF;
        queries := queries || finding;
        -- Of common words the planner knows how many books have them: counting those would take long.
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM book_documents WHERE words @@ %L', finding) INTO plan;
        expected := (plan -> 0 -> 'Plan' ->> 'Plan Rows')::double precision;
        books := books || CASE WHEN expected > 3000 THEN expected::integer ELSE (SELECT count(*)::integer FROM (
            SELECT FROM book_documents WHERE book_documents.words @@ finding LIMIT 3000) AS few) END;
    END LOOP;
    IF cardinality(words) < 2 THEN RETURN; END IF;
    weights := ARRAY(SELECT ln(1 + all_books / greatest(1, one))::double precision FROM unnest(books) WITH ORDINALITY AS counted (one, at) ORDER BY at);
    -- Of many words the rarest tell the most.
    known := ARRAY(SELECT at FROM unnest(books) WITH ORDINALITY AS counted (one, at) WHERE one > 0 ORDER BY one, at LIMIT 6);
    FOR size IN REVERSE least(cardinality(known), cardinality(words) - 1) .. 2 LOOP
        SELECT string_agg('(' || together || ')', ' | ')::tsquery INTO most FROM (
            SELECT string_agg('(' || queries[known[bit + 1]]::text || ')', ' & ') AS together
            FROM generate_series(1, (1 << cardinality(known)) - 1) AS mask, generate_series(0, cardinality(known) - 1) AS bit
            WHERE bit_count(mask::bit(8)) = size AND mask & (1 << bit) <> 0 GROUP BY mask) AS combined;
        EXIT WHEN EXISTS (SELECT FROM book_documents WHERE book_documents.words @@ (most && coalesce(excluded, most)));
        most := NULL;
    END LOOP;
    FOR place IN 1 .. cardinality(known) LOOP
        EXIT WHEN total > 2000;
        rare := coalesce(rare || queries[known[place]], queries[known[place]]);
        total := total + books[known[place]];
    END LOOP;
    IF rare IS NULL THEN RETURN; END IF;
    IF excluded IS NOT NULL THEN
        most := most && excluded;
        rare := rare && excluded;
    END IF;
    RETURN NEXT;
END $function$;
