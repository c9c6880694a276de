"""Search documents cost less to make: an import spends most of PostgreSQL's time on them.

What they hold stays as it is, but for a single letter before a sign and another one: `Malcolm X: A Life` has an `x`.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

REFRESH = r"""
    SELECT refresh_book_documents(ARRAY(
        SELECT id FROM items WHERE title ~ '\m[a-zA-Z] *[,;!?()\:][ ,;!?()\:]*[a-zA-Z]\M' COLLATE "C"))
"""
SQL = Path(__file__).parents[1] / "sql"


def upgrade() -> None:
    for function in _functions("0033_documents"):
        _replace(function)
    op.execute(REFRESH)


def downgrade() -> None:
    for function in [*_functions("0027_search"), *_functions("0031_titles")]:
        if re.search(r"FUNCTION (search_vector|search_variants|refresh_book_documents)\(", function):
            _replace(function)


def _functions(file: str) -> Iterable[str]:
    """The functions of the file, each perhaps with a comment before it."""
    return re.split(r"\n\n(?=--|CREATE)", (SQL / f"{file}.sql").read_text())


def _replace(function: str) -> None:
    # A colon would announce a parameter.
    op.execute(function.replace(":", r"\:"))
