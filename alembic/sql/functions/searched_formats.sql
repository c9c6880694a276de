-- The formats that a text names where it has no word beyond form and filler; NULL for any other.
-- With a word of content behind them, search_terms calls all the rest filler.
CREATE OR REPLACE FUNCTION public.searched_formats(value text)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    forms CONSTANT jsonb := '{
        "paperback": "paperback", "paperbacks": "paperback", "softcover": "paperback", "softcovers": "paperback",
        "taschenbuch": "paperback", "poche": "paperback", "hardcover": "hardcover", "hardcovers": "hardcover",
        "hardback": "hardcover", "hardbacks": "hardcover", "ebook": "ebook", "ebooks": "ebook", "epub": "ebook",
        "kindle": "ebook", "pdf": "ebook", "audiobook": "audiobook", "audiobooks": "audiobook", "horbuch": "audiobook"}';
BEGIN
    RETURN (
        SELECT CASE WHEN bool_and(kind = 'filler') THEN array_agg(DISTINCT forms ->> term) FILTER (WHERE forms ? term) END
        FROM search_terms(search_expression(value) || ' ' || chr(1)) WHERE term <> chr(1));
END $function$;
