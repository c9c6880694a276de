CREATE OR REPLACE FUNCTION public.search_terms(expression text, OUT place integer, OUT term text, OUT kind text)
 RETURNS SETOF record
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT ROWS 5
AS $function$
DECLARE
    fillers CONSTANT text[] := string_to_array(
        'a an the and by of in on for to from with der die das dem den des ein eine und von vom zu mit le la les l un une du de d et'
        ' par pour el los las unos y del por para il lo gli i e di da della dei o os as um uma do het een en van ett det och og av af'
        ' book books paperback paperbacks hardcover hardcovers hardback hardbacks softcover softcovers ebook ebooks epub kindle pdf audiobook audiobooks novel novels'
        ' buch bucher taschenbuch horbuch roman livre livres poche libro libros novela romanzo boek boeken bok bog'
        ' vol volume volumes band bd tome tomo teil deel part no nr number author isbn edition', ' ');
    found text[] := ARRAY(SELECT one[1] FROM regexp_matches(expression, '-?"[^"]*"?|[^ ]+', 'g') AS one);
    has_content boolean;
BEGIN
    has_content := 'or' = ANY (found) OR EXISTS (SELECT FROM unnest(found) AS one WHERE one <> ALL (fillers) AND one !~ '^-|^"*$');
    FOR place IN 1 .. cardinality(found) LOOP
        term := found[place];
        kind := CASE
            WHEN starts_with(term, '-') THEN 'excluded'
            WHEN starts_with(term, '"') THEN 'phrase'
            WHEN has_content AND 'or' <> ALL (found) AND term = ANY (fillers) THEN 'filler'
            ELSE 'word' END;
        RETURN NEXT;
    END LOOP;
END $function$;
