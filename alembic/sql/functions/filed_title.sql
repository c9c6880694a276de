CREATE OR REPLACE FUNCTION public.filed_title(title text, language text, title_sort text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
    -- Where nothing says the language, `the` alone is an article for sure.
    articles CONSTANT text := CASE coalesce(split_part(language, '-', 1), '')
        WHEN '' THEN 'the' WHEN 'en' THEN 'the|an?' WHEN 'de' THEN 'der|die|das|eine?'
        WHEN 'fr' THEN 'les?|la|une?|des' WHEN 'es' THEN 'el|la|los|las|un|una|unos|unas'
        WHEN 'it' THEN 'il|lo|la|i|gli|le|uno?|una' WHEN 'pt' THEN 'os?|as?|um|uma'
        WHEN 'ca' THEN 'els?|la|les|una?' WHEN 'gl' THEN 'os?|as?|unha|un' WHEN 'nl' THEN 'de|het|een|''t|’t' WHEN 'af' THEN 'die|''n|’n'
        WHEN 'sv' THEN 'en|ett|den|det|de' WHEN 'da' THEN 'en|et|den|det|de' WHEN 'nb' THEN 'en|et|ei|den|det|de'
        WHEN 'nn' THEN 'ein|eit|ei|den|det|dei' WHEN 'no' THEN 'en|et|ei|den|det|de' WHEN 'is' THEN 'hinn|hin|hið'
        WHEN 'hu' THEN 'az?|egy' WHEN 'el' THEN 'ο|η|το|οι|τα|ένας|μια|μία|ένα' WHEN 'eo' THEN 'la' WHEN 'ga' THEN 'an|na' WHEN 'cy' THEN 'yr?'
        WHEN 'gd' THEN 'an|na|am|a''|a’' WHEN 'yi' THEN 'der|di|dos' END;
BEGIN
    IF title_sort IS NOT NULL THEN RETURN title_sort; END IF;
    IF articles IS NULL THEN RETURN title; END IF;
    IF split_part(language, '-', 1) IN ('fr', 'it', 'ca') THEN
        title := regexp_replace(title, '^[[:punct:]«»“”„‘’¡¿ ]*(?:l|un|gl)[''’`´](?=[[:alnum:]])', '', 'i');
    END IF;
    RETURN regexp_replace(title, '^[[:punct:]«»“”„‘¡¿ ]*(?:' || articles || ')\s+(?=.*[[:alnum:]])' COLLATE pg_c_utf8, '', 'i');
END $function$;
