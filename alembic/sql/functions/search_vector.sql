-- Words of ASCII with no sign within them are taken as they stand: the parser folds their case. Variants there are
-- only of what may have some: letters beyond ASCII, signs within words, and initials.
CREATE OR REPLACE FUNCTION public.search_vector(value text)
 RETURNS tsvector
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE words tsvector;
BEGIN
    IF value !~ '[^a-zA-Z0-9 ,:;!?()\n]|\m[a-zA-Z][ ,:;!?()]+[a-zA-Z]\M' COLLATE "C" THEN
        RETURN to_tsvector('simple', value);
    END IF;
    words := to_tsvector('simple', with_bigrams(search_text(value)));
    IF value !~ '[^ -~\n]|[_''`&-]|\m[a-zA-Z][^a-zA-Z0-9\n]+[a-zA-Z]\M' COLLATE "C" THEN RETURN words; END IF;
    RETURN words || ts_delete(
        to_tsvector('simple', with_bigrams(search_variants(value)) || ' ' || in_latin_letters(fold(value))),
        tsvector_to_array(words));
END $function$;
