-- Line breaks stay: initials are not joined across them. Most texts have nothing to be taken out.
CREATE OR REPLACE FUNCTION public.plain_words(folded text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
BEGIN
    IF folded !~ '[^a-z0-9 \n]|  |^ | $|\m[a-z] [a-z]\M' COLLATE "C" THEN RETURN folded; END IF;
    RETURN btrim(regexp_replace(
        regexp_replace(translate(folded, '''`´ʹʻʼʽʾʿˈ', ''), '[^[:alnum:]\n]+' COLLATE pg_c_utf8, ' ', 'g'),
        '\m([[:alpha:]]) (?=[[:alpha:]]\M)' COLLATE pg_c_utf8, '\1', 'g'));
END $function$;
