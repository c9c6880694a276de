-- Words that no known one begins with are mended; when nothing was found, all that are not known as they are.
CREATE OR REPLACE FUNCTION public.corrected_prefix(value text, found_nothing boolean)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE STRICT
BEGIN ATOMIC
 SELECT NULLIF(string_agg(
         CASE
             WHEN ((length(parts.part) < 4) OR (parts.part ~ '^[0-9]+$'::text) OR (EXISTS ( SELECT
                FROM search_words known
               WHERE ((known.word >= (parts.part COLLATE "C")) AND (known.word < (
                     CASE
                         WHEN corrected_prefix.found_nothing THEN (parts.part || ' '::text)
                         ELSE (parts.part || chr(1114111))
                     END COLLATE "C")))))) THEN parts.part
             ELSE COALESCE(( SELECT near.word
                FROM similar_words(parts.part) near(word, mistakes)
              LIMIT 1), parts.part)
         END, ' '::text ORDER BY parts.place), corrected_prefix.value) AS "nullif"
    FROM unnest(string_to_array(corrected_prefix.value, ' '::text)) WITH ORDINALITY parts(part, place);
END;
