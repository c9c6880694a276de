CREATE OR REPLACE FUNCTION public.name_words(folded text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN rtrim((((' '::text || translate(plain_words(bare_letters(folded)), '
'::text, ' '::text)) || ' '::text) || in_latin_letters(folded)));
