CREATE OR REPLACE FUNCTION public.with_bigrams(plain text)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    cjk CONSTANT text := '\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3040-\u31ff\u3400-\u9fff'
        '\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff';
    text text := plain;
BEGIN
    IF octet_length(plain) = length(plain) OR plain !~ ('[' || cjk || ']') THEN RETURN plain; END IF;
    text := regexp_replace(text, '([' || cjk || ']) (?=[' || cjk || '])', '\1', 'g');
    text := regexp_replace(text, '(?<=[' || cjk || '])(?=[^ \n' || cjk || '])|(?<=[^ \n' || cjk || '])(?=[' || cjk || '])', ' ', 'g');
    RETURN replace(regexp_replace(text, '([' || cjk || '])', '\1' || chr(1) || '\1', 'g'), chr(1), ' ');
END $function$;
