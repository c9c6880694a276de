-- As `name_key`, with an article from behind a comma put before: `Sample, The` is `The Sample`.
CREATE OR REPLACE FUNCTION public.series_key(name text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
BEGIN
    RETURN public.name_key(regexp_replace(name,
        '^\s*(.*\S)\s*,\s*(the|an?|der|die|das|le|la|les|el|los|las|il|gli|het|een)\s*$', '\2 \1', 'i'));
END $function$;
