"""Titles are filed without their article, or as the shop says; authors whatever the case and accents of their names.

Documents of titles that begin with an article are made anew a thousand at a time, each thousand committed by
itself, and indexes are made beside the shop's work.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from alembic import op

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SQL = Path(__file__).parents[1] / "sql"
SEARCHED = "subtitle language format year series_id subjects edition_statement series_position"
"""Columns of books that documents are made of, before this."""
REFRESH = r"""
    DO $$ DECLARE last bigint = 0; ids bigint[]; BEGIN
        LOOP
            SELECT max(book_id), array_agg(book_id) FILTER (WHERE is_filed) INTO last, ids FROM (
                SELECT book_id, search_text(filed_title(title, books.language, NULL)) <> title_words AS is_filed
                FROM book_documents JOIN books ON item_id = book_id JOIN items ON items.id = book_id
                WHERE book_id > last ORDER BY book_id LIMIT 1000
            ) AS page;
            EXIT WHEN last IS NULL;
            PERFORM refresh_book_documents(ids) WHERE ids IS NOT NULL;
            COMMIT;
        END LOOP;
    END $$
"""
INDEXES = (
    ("ix_book_documents_filed", "book_documents", "COALESCE(title_filed, title_words), book_id"),
    ("ix_authors_sort_name_folded_id", "authors", "fold(sort_name), id"),
)


def upgrade() -> None:
    op.execute("ALTER TABLE books ADD COLUMN IF NOT EXISTS title_sort text")
    op.execute('ALTER TABLE book_documents ADD COLUMN IF NOT EXISTS title_filed text COLLATE "C"')
    for function in _functions("0031_titles"):
        _replace(function)
    _watch(*SEARCHED.split(), "title_sort")
    with op.get_context().autocommit_block():
        op.execute(REFRESH)
        for name, table, columns in INDEXES:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns})")
    op.execute("DROP INDEX IF EXISTS ix_authors_sort_name_id")


def downgrade() -> None:
    op.create_index("ix_authors_sort_name_id", "authors", ["sort_name", "id"])
    for name, _, _ in INDEXES:
        op.execute(f"DROP INDEX {name}")
    for function in _functions("0027_search"):
        if "FUNCTION refresh_book_documents" in function:
            _replace(function)
    _watch(*SEARCHED.split())
    op.execute("DROP FUNCTION filed_title(text, text, text)")
    op.drop_column("book_documents", "title_filed")
    op.drop_column("books", "title_sort")


def _functions(file: str) -> Iterable[str]:
    """The functions of the file, each perhaps with a comment before it."""
    return re.split(r"\n\n(?=--|CREATE)", (SQL / f"{file}.sql").read_text())


def _replace(function: str) -> None:
    # A colon would announce a parameter.
    op.execute(function.replace(":", r"\:"))


def _watch(*columns: str) -> None:
    """The documents of books in which one of these columns changes are made anew, as 0010 made it."""
    new, old = (", ".join(f"{row}.{one}" for one in columns) for row in ("fresh", "stale"))
    changed = f"SELECT item_id FROM fresh JOIN stale USING (item_id) WHERE ({new}) IS DISTINCT FROM ({old})"  # noqa: S608 (names of columns)
    op.execute(
        "CREATE OR REPLACE FUNCTION documents_of_books_update() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" DECLARE ids bigint[]; BEGIN ids \\:= ARRAY({changed});"
        " IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $$"
    )
