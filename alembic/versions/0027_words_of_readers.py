"""Searches find what has some of the words, parts of words in scripts without spaces, and names in Latin letters.

Documents whose words change are made anew a thousand at a time, each thousand committed by itself: books in
series, whose number is found now, and books with a word that is not in Latin letters.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SQL = Path(__file__).parents[1] / "sql"
NEW = (
    "name_patterns(text)",
    "partial_search(text)",
    "filler_query(text)",
    "other_spellings(text[], integer)",
    "search_terms(text)",
    "number_words(text)",
    "query_bigrams(text)",
    "in_latin_letters(text)",
    "with_bigrams(text)",
    "bare_letters(text)",
)
SEARCHED = "subtitle language format year series_id subjects edition_statement"
"""Columns of books that documents are made of, before this."""
OLD_NAME_WORDS = """
    CREATE OR REPLACE FUNCTION name_words(folded text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ' ' || translate(plain_words(folded), E'\\n', ' ')
"""
# Changes nothing but what is computed of the name.
RENAME = r"UPDATE {} SET name = name WHERE {} ~ '[\u0370-\uffff]'"
REFRESH = r"""
    DO $$ DECLARE last bigint = 0; ids bigint[]; BEGIN
        LOOP
            SELECT max(book_id), array_agg(book_id) FILTER (WHERE is_concerned) INTO last, ids FROM (
                SELECT book_id, words\:\:text ~ '[\u0370-\U0010ffff]' OR series_position IS NOT NULL AS is_concerned
                FROM book_documents JOIN books ON item_id = book_id
                WHERE book_id > last ORDER BY book_id LIMIT 1000
            ) AS page;
            EXIT WHEN last IS NULL;
            PERFORM refresh_book_documents(ids) WHERE ids IS NOT NULL;
            COMMIT;
        END LOOP;
    END $$
"""


def upgrade() -> None:
    for function in _functions("0027_search"):
        _replace(function)
    _watch(*SEARCHED.split(), "series_position")
    _refresh()


def downgrade() -> None:
    for file in ("0010_documents", "0010_queries", "0023_documents"):
        for function in _functions(file):
            _replace(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    op.execute(OLD_NAME_WORDS)
    _watch(*SEARCHED.split())
    _refresh()
    for signature in NEW:
        op.execute(f"DROP FUNCTION {signature}")


def _functions(file: str) -> Iterable[str]:
    """The functions of the file, each perhaps with a comment before it."""
    return re.split(r"\n\n(?=--|CREATE)", (SQL / f"{file}.sql").read_text())


def _replace(function: str) -> None:
    # A colon would announce a parameter.
    op.execute(function.replace(":", r"\:"))


def _refresh() -> None:
    with op.get_context().autocommit_block():
        op.execute(RENAME.format("authors", "names_folded"))
        op.execute(RENAME.format("series", "name_folded"))
        op.execute(REFRESH)


def _watch(*columns: str) -> None:
    """The documents of books in which one of these columns changes are made anew, as 0010 made it."""
    new, old = (", ".join(f"{row}.{one}" for one in columns) for row in ("fresh", "stale"))
    changed = f"SELECT item_id FROM fresh JOIN stale USING (item_id) WHERE ({new}) IS DISTINCT FROM ({old})"  # noqa: S608 (names of columns)
    op.execute(
        "CREATE OR REPLACE FUNCTION documents_of_books_update() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" DECLARE ids bigint[]; BEGIN ids \\:= ARRAY({changed});"
        " IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $$"
    )
