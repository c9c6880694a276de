-- The title that is looked for; NULL where the query has no word, or words that must not occur.
CREATE OR REPLACE FUNCTION public.search_title(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN (search_expression(value) !~ '(^| )-'::text) THEN NULLIF(search_text(value), ''::text) ELSE NULL::text END;
