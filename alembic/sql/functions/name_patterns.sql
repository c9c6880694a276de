CREATE OR REPLACE FUNCTION public.name_patterns(value text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (SELECT array_agg(((CASE WHEN (length(word.word) < 3) THEN '% '::text ELSE '%'::text END || word.word) || '%'::text) ORDER BY (length(word.word)) DESC, word.word) AS array_agg FROM regexp_split_to_table(search_text(name_patterns.value), '\s+'::text) word(word) WHERE (word.word <> ''::text));
