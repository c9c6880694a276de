CREATE OR REPLACE FUNCTION public.fold_names(name text, aliases text[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN fold(((name || '
'::text) || array_to_string(aliases, '
'::text)));
