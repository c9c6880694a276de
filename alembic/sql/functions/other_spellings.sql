CREATE OR REPLACE FUNCTION public.other_spellings(words text[], place integer)
 RETURNS tsquery
 LANGUAGE plpgsql
 STABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    spelt CONSTANT text := words[place];
    others text[] := ARRAY(
        SELECT quote_literal(one)
        FROM unnest(number_words(spelt) || string_to_array(nullif(in_latin_letters(spelt), ''), ' ')) AS one);
BEGIN
    IF spelt ~ '^[0-9]+$' THEN RETURN nullif(array_to_string(others, ' | '), '')::tsquery; END IF;
    others := others || ARRAY(
        SELECT quote_literal(joined) FROM unnest(ARRAY[words[place - 1] || spelt, spelt || words[place + 1]]) AS joined
        WHERE EXISTS (SELECT FROM search_words AS known WHERE known.word = joined COLLATE "C"));
    IF length(spelt) BETWEEN 5 AND 40 THEN
        others := others || ARRAY(
            SELECT '(' || quote_literal(left(spelt, size)) || ' <-> ' || quote_literal(substr(spelt, size + 1)) || ')'
            FROM generate_series(2, length(spelt) - 2) AS size
            WHERE (size = 2 OR EXISTS (SELECT FROM search_words AS known WHERE known.word = left(spelt, size) COLLATE "C"))
            AND (size = length(spelt) - 2 OR EXISTS (
                SELECT FROM search_words AS known WHERE known.word = substr(spelt, size + 1) COLLATE "C"))
            ORDER BY abs(2 * size - length(spelt)) LIMIT 3);
    END IF;
    RETURN nullif(array_to_string(others, ' | '), '')::tsquery;
END $function$;
