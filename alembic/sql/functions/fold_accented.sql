CREATE OR REPLACE FUNCTION public.fold_accented(value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN casefold((unaccent('unaccent'::regdictionary, NORMALIZE(value, NFKC)) COLLATE pg_unicode_fast));
