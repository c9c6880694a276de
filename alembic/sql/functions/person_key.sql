-- As `name_key`, with what stands before a comma put behind: `Tolkien, J.R.R.` is `J.R.R. Tolkien`. `Jr.` and the like
-- stay behind, and houses (`Smith, Elder & Co.`) as they are. Two people may have one key.
CREATE OR REPLACE FUNCTION public.person_key(name text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    suffix CONSTANT text := '^(jr|sr|esq|ph\.? ?d|m\.? ?[ad]|inc|ltd|llc|co|corp|plc|gmbh|[ivx]{2,4})\.?$';
    parts text[];
BEGIN
    IF name !~ '[,\uff0c\u060c\u3001]' THEN RETURN public.name_key(name); END IF;
    parts := regexp_match(translate(normalize(name, NFKC), E'\u060c\u3001', ',,'),
        '^\s*([^,;&]*[^,;&\s])\s*,\s*([^,;&]*[^,;&\s])\s*(?:,\s*([^,;&]*[^,;&\s])\s*)?,?\s*$');
    IF parts IS NULL THEN RETURN public.name_key(rtrim(name, ' ,')); END IF;
    IF parts[2] !~* suffix THEN RETURN public.name_key(concat_ws(' ', parts[2], parts[1], parts[3])); END IF;
    RETURN public.name_key(concat_ws(' ', parts[3], parts[1], parts[2]));
END $function$;
