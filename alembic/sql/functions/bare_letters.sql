CREATE OR REPLACE FUNCTION public.bare_letters(folded text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
BEGIN
    IF octet_length(folded) = length(folded)
        OR folded !~ '[\u00ad\u0591-\u06ff\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]' THEN RETURN folded; END IF;
    RETURN translate(
        regexp_replace(
            folded,
            '[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u05f3\u05f4\u0610-\u061a\u0640\u064b-\u065f\u0670'
            '\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]',
            '', 'g'),
        'آأإٱىیکة٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹', 'اااايیكه01234567890123456789');
END $function$;
