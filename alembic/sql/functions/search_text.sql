-- Not STRICT, as `fold` is not: the planner would not put its body in its place.
CREATE OR REPLACE FUNCTION public.search_text(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN plain_words(bare_letters(fold(value)));
