CREATE OR REPLACE FUNCTION public.query_bigrams(term text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
BEGIN
    IF octet_length(term) = length(term) OR with_bigrams(term) = term OR length(term) = 1 THEN RETURN term; END IF;
    -- The first and the last character by themselves may stand within other words.
    RETURN btrim(regexp_replace(with_bigrams(term), '(^|(?<= ))[^ ]( |$)', '', 'g'));
END $function$;
