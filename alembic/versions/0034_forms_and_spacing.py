"""Searches for a form of book alone find it; names are found in one word or in two; books by what suppliers say of them."""

from collections.abc import Sequence

from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEX = "ix_books_supplier_availability"
TERMS = r"""
CREATE OR REPLACE FUNCTION public.search_terms(expression text, OUT place integer, OUT term text, OUT kind text)
 RETURNS SETOF record
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT ROWS 5
AS $function$
DECLARE
    fillers CONSTANT text[] \:= string_to_array(
        'a an the and by of in on for to from with der die das dem den des ein eine und von vom zu mit le la les l un une du de d et'
        ' par pour el los las unos y del por para il lo gli i e di da della dei o os as um uma do het een en van ett det och og av af'
        ' book books paperback paperbacks hardcover hardcovers hardback hardbacks softcover softcovers ebook ebooks epub kindle pdf audiobook audiobooks novel novels'
        ' buch bucher taschenbuch horbuch roman livre livres poche libro libros novela romanzo boek boeken bok bog'
        ' vol volume volumes band bd tome tomo teil deel part no nr number author isbn edition', ' ');
    found text[] \:= ARRAY(SELECT one[1] FROM regexp_matches(expression, '-?"[^"]*"?|[^ ]+', 'g') AS one);
    has_content boolean;
BEGIN
    has_content \:= 'or' = ANY (found) OR EXISTS (SELECT FROM unnest(found) AS one WHERE one <> ALL (fillers) AND one !~ '^-|^"*$');
    FOR place IN 1 .. cardinality(found) LOOP
        term \:= found[place];
        kind \:= CASE
            WHEN starts_with(term, '-') THEN 'excluded'
            WHEN starts_with(term, '"') THEN 'phrase'
            WHEN has_content AND 'or' <> ALL (found) AND term = ANY (fillers) THEN 'filler'
            ELSE 'word' END;
        RETURN NEXT;
    END LOOP;
END $function$
"""
TERMS_BEFORE = r"""
CREATE OR REPLACE FUNCTION public.search_terms(expression text, OUT place integer, OUT term text, OUT kind text)
 RETURNS SETOF record
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT ROWS 5
AS $function$
DECLARE
    fillers CONSTANT text[] \:= string_to_array(
        'a an the and by of in on for to from with der die das dem den des ein eine und von vom zu mit le la les l un une du de d et'
        ' par pour el los las unos y del por para il lo gli i e di da della dei o os as um uma do het een en van ett det och og av af'
        ' book books paperback paperbacks hardcover hardback ebook ebooks epub kindle pdf audiobook audiobooks novel novels'
        ' buch bucher taschenbuch horbuch roman livre livres poche libro libros novela romanzo boek boeken bok bog'
        ' vol volume volumes band bd tome tomo teil deel part no nr number author isbn edition', ' ');
    found text[] \:= ARRAY(SELECT one[1] FROM regexp_matches(expression, '-?"[^"]*"?|[^ ]+', 'g') AS one);
    has_content boolean;
BEGIN
    has_content \:= 'or' = ANY (found) OR EXISTS (SELECT FROM unnest(found) AS one WHERE one <> ALL (fillers) AND one !~ '^-|^"*$');
    FOR place IN 1 .. cardinality(found) LOOP
        term \:= found[place];
        kind \:= CASE
            WHEN starts_with(term, '-') THEN 'excluded'
            WHEN starts_with(term, '"') THEN 'phrase'
            WHEN has_content AND 'or' <> ALL (found) AND term = ANY (fillers) THEN 'filler'
            ELSE 'word' END;
        RETURN NEXT;
    END LOOP;
END $function$
"""
FORMATS = r"""
CREATE OR REPLACE FUNCTION public.searched_formats(value text)
 RETURNS text[]
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
DECLARE
    forms CONSTANT jsonb \:= '{
        "paperback"\: "paperback", "paperbacks"\: "paperback", "softcover"\: "paperback", "softcovers"\: "paperback",
        "taschenbuch"\: "paperback", "poche"\: "paperback", "hardcover"\: "hardcover", "hardcovers"\: "hardcover",
        "hardback"\: "hardcover", "hardbacks"\: "hardcover", "ebook"\: "ebook", "ebooks"\: "ebook", "epub"\: "ebook",
        "kindle"\: "ebook", "pdf"\: "ebook", "audiobook"\: "audiobook", "audiobooks"\: "audiobook", "horbuch"\: "audiobook"}';
BEGIN
    RETURN (
        SELECT CASE WHEN bool_and(kind = 'filler') THEN array_agg(DISTINCT forms ->> term) FILTER (WHERE forms ? term) END
        FROM search_terms(search_expression(value) || ' ' || chr(1)) WHERE term <> chr(1));
END $function$
"""
SPELLINGS = r"""
CREATE OR REPLACE FUNCTION public.name_spellings(pattern text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN pattern || ARRAY(
    SELECT '% ' || left(word, size) || ' ' || substr(word, size + 1) || '%'
    FROM btrim(pattern, '%') AS word, generate_series(2, length(word) - 2) AS size
    WHERE word ~ '^[^ ]{4,30}$')
"""


def upgrade() -> None:
    for function in (TERMS, FORMATS, SPELLINGS):
        op.execute(function)
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(
            f"CREATE INDEX CONCURRENTLY {INDEX} ON books (supplier_availability)"
            " WHERE supplier_availability IS NOT NULL"
        )


def downgrade() -> None:
    op.execute(f"DROP INDEX {INDEX}")
    op.execute("DROP FUNCTION name_spellings(text)")
    op.execute("DROP FUNCTION searched_formats(text)")
    op.execute(TERMS_BEFORE)
