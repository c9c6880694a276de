"""Books have an edition statement, whose words are found with the lowest weight."""

import re
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SQL = Path(__file__).parents[1] / "sql"
SEARCHED = "subtitle language format year series_id subjects"
"""Columns of books that documents are made of, before this."""


def upgrade() -> None:
    # No document changes: there are no statements yet.
    op.add_column("books", sa.Column("edition_statement", sa.Text(), nullable=True))
    _replace((SQL / "0017_documents.sql").read_text())
    _watch(*SEARCHED.split(), "edition_statement")


def downgrade() -> None:
    functions = re.split(r"\n\n(?=--|CREATE)", (SQL / "0010_documents.sql").read_text())
    made_before = next(one for one in functions if "FUNCTION refresh_book_documents" in one)
    _replace(made_before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    _watch(*SEARCHED.split())
    books = "SELECT array_agg(item_id) FROM books WHERE edition_statement IS NOT NULL GROUP BY item_id / 1000"
    op.execute(
        f"""
        DO $$ DECLARE batch bigint[]; BEGIN
            FOR batch IN {books} LOOP PERFORM refresh_book_documents(batch); END LOOP;
        END $$
        """
    )
    op.drop_column("books", "edition_statement")


def _replace(function: str) -> None:
    # A colon would announce a parameter.
    op.execute(function.replace(":", r"\:"))


def _watch(*columns: str) -> None:
    """The documents of books in which one of these columns changes are made anew, as 0010 made it."""
    new, old = (", ".join(f"{row}.{one}" for one in columns) for row in ("fresh", "stale"))
    changed = f"SELECT item_id FROM fresh JOIN stale USING (item_id) WHERE ({new}) IS DISTINCT FROM ({old})"  # noqa: S608 (names of columns)
    op.execute(
        "CREATE OR REPLACE FUNCTION documents_of_books_update() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" DECLARE ids bigint[]; BEGIN ids := ARRAY({changed});"
        " IF ids <> '{}' THEN PERFORM refresh_book_documents(ids); END IF; RETURN NULL; END $$"
    )
