-- What is looked for: NULL where there is no word, or only such as must not occur.
-- A word with an umlaut is looked for as ae, oe, ue too, one with a hyphen in one word too; then synonyms are added.
CREATE OR REPLACE FUNCTION public.search_query(value text)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    terms text[];
    kinds text[];
    words text[];
    asked tsquery;
    word text;
    plain tsquery;
    variant tsquery;
BEGIN
    SELECT array_agg(term ORDER BY place), array_agg(kind ORDER BY place) INTO terms, kinds FROM search_terms(search_expression(value));
    IF terms IS NULL THEN RETURN NULL; END IF;
    asked := websearch_to_tsquery('simple', (
        SELECT string_agg(CASE
            WHEN indexed = term THEN term
            WHEN kind = 'word' THEN '"' || indexed || '"'
            WHEN kind = 'excluded' AND NOT starts_with(term, '-"') THEN '-"' || btrim(indexed, '-" ') || '"'
            ELSE indexed END, ' ' ORDER BY place)
        FROM unnest(terms, kinds) WITH ORDINALITY AS terms (term, kind, place), query_bigrams(term) AS indexed
        WHERE kind <> 'filler'));
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
    asked := ts_rewrite(asked, format(
        'SELECT searched, (searched::text || '' | '' || string_agg(finds::text, '' | ''))::tsquery'
        ' FROM search_synonym_rules WHERE %L::tsquery @> searched GROUP BY searched', asked));
    IF 'or' = ANY (terms) THEN RETURN asked; END IF;
    -- Filler parts neighbours; so does what is quoted or excluded.
    words := ARRAY(
        SELECT CASE WHEN kind = 'word' THEN term END FROM unnest(terms, kinds) WITH ORDINALITY AS terms (term, kind, place) ORDER BY place);
    FOR place IN 1 .. least(cardinality(words), 12) LOOP
        CONTINUE WHEN words[place] IS NULL;
        plain := quote_literal(words[place])::tsquery;
        IF length(words[place]) = 1 AND with_bigrams(words[place]) <> words[place] THEN
            asked := ts_rewrite(asked, plain, (quote_literal(words[place]) || ':*')::tsquery);
        END IF;
        variant := other_spellings(words, place);
        IF variant IS NOT NULL THEN asked := ts_rewrite(asked, plain, plain || variant); END IF;
    END LOOP;
    RETURN asked;
END $function$;
