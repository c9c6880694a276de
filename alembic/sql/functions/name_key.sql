-- How names compare: without what is not seen, in whatever width, case and accents, initials with or without full
-- stops and spaces. `J. R. R. Tolkien`, `J.R.R. Tolkien` and `JRR Tolkien` are `j.r.r tolkien`; `Jo` is no `J.O.`
CREATE OR REPLACE FUNCTION public.name_key(name text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    words text COLLATE pg_c_utf8;
BEGIN
    IF octet_length(name) = length(name) THEN
        words := lower(name COLLATE "C");
    ELSE
        words := public.fold(translate(name, E'\u00ad\u034f\u061c\u180b\u180c\u180d\u180e\u200b\u200c\u200d\u200e\u200f'
            '\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2062\u2063\u2064\u2066\u2067\u2068\u2069\ufe0e\ufe0f\ufeff', ''));
    END IF;
    IF octet_length(words) > length(words) THEN
        words := regexp_replace(words, '\s+', ' ', 'g');
        words := regexp_replace(words,
            '([\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af]) (?=[\u3005-\u30ff\u3400-\u9fff\uac00-\ud7af])', '\1', 'g');
    -- Plain words with one space between them, none of which may be initials, are most names.
    ELSIF words !~ '[^a-z0-9 ]|  |^ | $|\m(?:[a-z]|[b-df-hj-np-tv-xz]{2,3})\M' COLLATE "C" THEN
        RETURN words;
    END IF;
    words := translate(words, E'.-_\u00b7\u2010\u2011\u2012\u2013''`\u00b4\u02b9\u02bb\u02bc\u2018\u2019', '        ');
    IF words ~ '\m(?:[a-z\u0370-\u058f]|[b-df-hj-np-tv-xz]{2,3})\M' THEN
        -- Two or three consonants are initials run together: the letters are set apart, and joined as those that were.
        words := regexp_replace(words, '\m([b-df-hj-np-tv-xz])([b-df-hj-np-tv-xz])([b-df-hj-np-tv-xz]?)\M', '\1 \2 \3', 'g');
        words := regexp_replace(words, ' {2,}', ' ', 'g');
        words := regexp_replace(words, '\m([a-z\u0370-\u058f]) (?=[a-z\u0370-\u058f]\M)', '\1.', 'g');
    ELSE
        words := regexp_replace(words, ' {2,}', ' ', 'g');
    END IF;
    words := btrim(words);
    RETURN CASE WHEN words = '' THEN public.fold(name) ELSE words END;
END $function$;
