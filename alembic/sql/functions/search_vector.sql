-- Plain text in ASCII has no variants, and is most of what there is.
CREATE OR REPLACE FUNCTION public.search_vector(value text)
 RETURNS tsvector
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE words tsvector := to_tsvector('simple', with_bigrams(search_text(value)));
BEGIN
    IF value !~ '[^a-zA-Z0-9 ,:;!?()\n]|\m[a-zA-Z] [a-zA-Z]\M' COLLATE "C" THEN RETURN words; END IF;
    RETURN words || ts_delete(
        to_tsvector('simple', with_bigrams(search_variants(value)) || ' ' || in_latin_letters(fold(value))),
        tsvector_to_array(words));
END $function$;
