-- The query in the syntax of websearch_to_tsquery, its words as in search_text; chr(1) keeps the place of a minus.
CREATE OR REPLACE FUNCTION public.search_expression(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN btrim(regexp_replace(regexp_replace(regexp_replace(regexp_replace(translate(bare_letters(fold(value)), '''`´ʹʻʼʽʾʿˈ'::text, ''::text), ('(^|[^[:alnum:]])-(?=["[:alnum:]])'::text COLLATE pg_c_utf8), ('\1'::text || chr(1)), 'g'::text), (('[^[:alnum:]"'::text || chr(1)) || (']+'::text COLLATE pg_c_utf8)), ' '::text, 'g'::text), ('\m([[:alpha:]]) (?=[[:alpha:]]\M)'::text COLLATE pg_c_utf8), '\1'::text, 'g'::text), (' ?'::text || chr(1)), ' -'::text, 'g'::text));
