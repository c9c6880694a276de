CREATE OR REPLACE FUNCTION public.search_variants(value text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE spelt text;
BEGIN
    IF octet_length(value) = length(value) THEN
        spelt := replace(lower(value), '&', ' and ');
    ELSE
        spelt := casefold(normalize(value) COLLATE pg_unicode_fast);
        spelt := replace(replace(replace(spelt, 'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue');
        spelt := bare_letters(fold(replace(replace(replace(spelt, 'ø', 'oe'), 'å', 'aa'), '&', ' and ')));
    END IF;
    RETURN regexp_replace(spelt, '[^[:alnum:]]+' COLLATE pg_c_utf8, ' ', 'g')
        || CASE WHEN spelt ~ '[[:alnum:]]-[[:alnum:]]'
            THEN ' ' || plain_words(regexp_replace(spelt, '(?<=[[:alnum:]])-(?=[[:alnum:]])', '', 'g'))
            ELSE '' END;
END $function$;
