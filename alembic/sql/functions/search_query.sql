-- What is looked for: NULL where there is no word, or only such as must not occur.
-- A word with an umlaut is looked for as ae, oe, ue too, one with a hyphen in one word too; then synonyms are added.
CREATE OR REPLACE FUNCTION public.search_query(value text)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE STRICT
AS $function$
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
END $function$;
