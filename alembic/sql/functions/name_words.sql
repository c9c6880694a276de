CREATE OR REPLACE FUNCTION public.name_words(folded text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (' '::text || translate(plain_words(folded), '
'::text, ' '::text));
