"""One normal form of names: people and series are told apart by keys, not by how a name is typed."""

from collections.abc import Sequence

from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

NAME_KEY = r"""
CREATE FUNCTION name_key(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $function$
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
    ELSIF words !~ '[^a-z0-9 ]|  |^ | $|\m(?\:[a-z]|[b-df-hj-np-tv-xz]{2,3})\M' COLLATE "C" THEN
        RETURN words;
    END IF;
    words := translate(words, E'.-_\u00b7\u2010\u2011\u2012\u2013''`\u00b4\u02b9\u02bb\u02bc\u2018\u2019', '        ');
    IF words ~ '\m(?\:[a-z\u0370-\u058f]|[b-df-hj-np-tv-xz]{2,3})\M' THEN
        -- Two or three consonants are initials run together: the letters are set apart, and joined as those that were.
        words := regexp_replace(words, '\m([b-df-hj-np-tv-xz])([b-df-hj-np-tv-xz])([b-df-hj-np-tv-xz]?)\M', '\1 \2 \3', 'g');
        words := regexp_replace(words, ' {2,}', ' ', 'g');
        words := regexp_replace(words, '\m([a-z\u0370-\u058f]) (?=[a-z\u0370-\u058f]\M)', '\1.', 'g');
    ELSE
        words := regexp_replace(words, ' {2,}', ' ', 'g');
    END IF;
    words := btrim(words);
    RETURN CASE WHEN words = '' THEN public.fold(name) ELSE words END;
END $function$
"""
PERSON_KEY = r"""
CREATE FUNCTION person_key(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $function$
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
END $function$
"""
PERSON_KEYS = """
CREATE FUNCTION person_keys(names text[]) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN ARRAY(SELECT person_key(name) FROM unnest(names) AS name)
"""
SERIES_KEY = r"""
CREATE FUNCTION series_key(name text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $function$
BEGIN
    RETURN public.name_key(regexp_replace(name,
        '^\s*(.*\S)\s*,\s*(the|an?|der|die|das|le|la|les|el|los|las|il|gli|het|een)\s*$', '\2 \1', 'i'));
END $function$
"""
MERGE_SERIES = (
    # Spellings that are one now: the books go to the oldest, whose name shows.
    """
    CREATE TEMPORARY TABLE respelt ON COMMIT DROP AS SELECT id, kept FROM (
        SELECT id, min(id) OVER (PARTITION BY series_key(name)) AS kept FROM series
    ) AS keyed WHERE id <> kept
    """,
    # What a revert would bring back.
    """
    UPDATE import_rows SET before = jsonb_set(before, '{series_id}', to_jsonb(kept))
    FROM respelt WHERE before ? 'series_id' AND before ->> 'series_id' = id::text
    """,
    # Answers change, so versions do; what an import left as it is now stays what a revert may take back.
    """
    UPDATE import_rows SET version = import_rows.version + 1
    FROM respelt JOIN books ON series_id = respelt.id JOIN items ON items.id = books.item_id
    WHERE import_rows.item_id = items.id AND import_rows.version = items.version
    """,
    """
    UPDATE items SET version = version + 1, updated_at = now()
    FROM respelt JOIN books ON series_id = respelt.id WHERE items.id = books.item_id
    """,
    # A trigger brings the search documents along.
    "UPDATE books SET series_id = kept FROM respelt WHERE series_id = respelt.id",
    "DELETE FROM series USING respelt WHERE series.id = respelt.id",
)


def upgrade() -> None:
    for function in (NAME_KEY, PERSON_KEY, PERSON_KEYS, SERIES_KEY):
        op.execute(function)
    op.drop_constraint("uq_series_name_folded", "series", type_="unique")
    op.create_index("ix_series_name_folded_id", "series", ["name_folded", "id"])
    for statement in MERGE_SERIES:
        op.execute(statement)
    # The deferred events of the merge, such as foreign keys, come before the index.
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    op.execute("CREATE UNIQUE INDEX uq_series_key ON series (series_key(name))")
    op.execute("CREATE INDEX ix_authors_person_key ON authors (person_key(name))")
    op.execute("DROP INDEX ix_authors_name_fold")
    op.execute("DROP INDEX ix_authors_aliases")
    op.execute(
        "CREATE INDEX ix_authors_aliases ON authors USING gin (person_keys(aliases)) WHERE aliases <> '{}'"
    )


def downgrade() -> None:
    op.execute("DROP INDEX ix_authors_aliases")
    op.execute(
        "CREATE INDEX ix_authors_aliases ON authors USING gin (string_to_array(names_folded, chr(10)))"
        " WHERE aliases <> '{}'"
    )
    op.execute("CREATE INDEX ix_authors_name_fold ON authors (fold(name))")
    op.execute("DROP INDEX ix_authors_person_key")
    op.execute("DROP INDEX uq_series_key")
    op.drop_index("ix_series_name_folded_id", "series")
    op.create_unique_constraint("uq_series_name_folded", "series", ["name_folded"])
    for function in ("series_key(text)", "person_keys(text[])", "person_key(text)", "name_key(text)"):
        op.execute(f"DROP FUNCTION {function}")
