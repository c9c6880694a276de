"""The search document of each book, kept by triggers; words for spelling, synonyms, searches without result.

`search_text` is the form in which texts and queries are compared: folded, without apostrophes and
punctuation, initials joined, so that "A.A. Milne", "A. A. Milne" and "AA Milne" are one.
`search_variants` gives the other spellings that are indexed beside it: ä as ae, L'Étranger as
"etranger", Spider-Man as "spiderman", initials apart, & as "and".
"""

import re
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

QUERIES = ("corrected_search", "similar_words", "search_query", "search_title", "search_expression")
FILTERED = ("year", "language", "format")
"""Columns of books that are filtered by in documents alone from now on."""
SQL = Path(__file__).parents[1] / "sql"
CHANGED_BOOKS = {
    ("books", "INSERT"): "SELECT item_id FROM fresh",
    ("books", "UPDATE"): """
        SELECT item_id FROM fresh JOIN stale USING (item_id)
        WHERE (fresh.subtitle, fresh.language, fresh.format, fresh.year, fresh.series_id, fresh.subjects)
        IS DISTINCT FROM (stale.subtitle, stale.language, stale.format, stale.year, stale.series_id, stale.subjects)""",
    ("contributors", "INSERT"): "SELECT book_id FROM fresh",
    ("contributors", "UPDATE"): "SELECT book_id FROM fresh UNION SELECT book_id FROM stale",
    ("contributors", "DELETE"): "SELECT book_id FROM stale",
    ("book_categories", "INSERT"): "SELECT book_id FROM fresh",
    ("book_categories", "UPDATE"): "SELECT book_id FROM fresh UNION SELECT book_id FROM stale",
    ("book_categories", "DELETE"): "SELECT book_id FROM stale",
    ("items", "UPDATE"): """
        SELECT id FROM fresh JOIN stale USING (id)
        WHERE (fresh.title, fresh.description) IS DISTINCT FROM (stale.title, stale.description)""",
    ("authors", "UPDATE"): """
        SELECT book_id FROM contributors WHERE author_id IN (
            SELECT id FROM fresh JOIN stale USING (id)
            WHERE (fresh.name, fresh.aliases) IS DISTINCT FROM (stale.name, stale.aliases))""",
    ("series", "UPDATE"): """
        SELECT item_id FROM books WHERE series_id IN (
            SELECT id FROM fresh JOIN stale USING (id) WHERE fresh.name <> stale.name)""",
}
"""Which books are made of what changed, by table and change."""
CHANGED_COLUMNS = {
    ("items", "UPDATE"): """
        UPDATE book_documents SET price = fresh.price FROM fresh JOIN stale USING (id)
        WHERE book_id = id AND fresh.price IS DISTINCT FROM stale.price""",
    ("stock_levels", "INSERT"): """
        UPDATE book_documents SET in_stock = true FROM fresh
        WHERE book_id = item_id AND fresh.on_hand > fresh.reserved""",
    ("stock_levels", "UPDATE"): """
        UPDATE book_documents SET in_stock = fresh.on_hand > fresh.reserved FROM fresh JOIN stale USING (item_id)
        WHERE book_id = item_id
        AND (fresh.on_hand > fresh.reserved) <> (stale.on_hand > stale.reserved)""",
    # What stands below a moved category is found by parents: its paths are changed by a later statement.
    # Locked first and read by the next statement, as in refresh_book_documents.
    ("categories", "UPDATE"): """
        WITH RECURSIVE moved AS (
            SELECT id FROM fresh JOIN stale USING (id) WHERE fresh.parent_id IS DISTINCT FROM stale.parent_id
            UNION SELECT categories.id FROM categories JOIN moved ON categories.parent_id = moved.id
        )
        SELECT array_agg(DISTINCT book_id) INTO ids FROM book_categories JOIN moved ON id = category_id;
        IF ids IS NOT NULL THEN
            PERFORM FROM book_documents WHERE book_id = ANY (ids) ORDER BY book_id FOR NO KEY UPDATE;
            WITH RECURSIVE lines AS (
                SELECT id AS shelf, id AS above, parent_id FROM categories
                UNION SELECT shelf, id, categories.parent_id FROM lines JOIN categories ON id = lines.parent_id
            ), shelved AS (
                SELECT book_id, array_agg(DISTINCT above) AS category_ids
                FROM book_categories JOIN lines ON shelf = category_id
                WHERE book_id = ANY (ids) GROUP BY book_id
            )
            UPDATE book_documents SET category_ids = shelved.category_ids FROM shelved
            WHERE book_documents.book_id = shelved.book_id
            AND book_documents.category_ids <> shelved.category_ids;
        END IF""",
}
"""Changes of single columns, which need no words made anew: prices and stock change often."""
TABLES = {
    "INSERT": "NEW TABLE AS fresh",
    "UPDATE": "OLD TABLE AS stale NEW TABLE AS fresh",
    "DELETE": "OLD TABLE AS stale",
}


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch")
    # For highlighting alone: it has to find its way through texts as they are printed.
    op.execute("CREATE TEXT SEARCH CONFIGURATION search_headline (COPY = simple)")
    op.execute(
        "ALTER TEXT SEARCH CONFIGURATION search_headline"
        " ALTER MAPPING FOR hword, hword_part, word WITH unaccent, simple"
    )
    _create_documents()
    _create_words_and_synonyms()
    for file in ("0010_documents.sql", "0010_queries.sql"):
        _create_functions(SQL / file)
    op.execute(
        """
        DO $$ DECLARE batch bigint[]; BEGIN
            FOR batch IN SELECT array_agg(item_id) FROM books GROUP BY item_id / 1000 LOOP
                PERFORM refresh_book_documents(batch);
            END LOOP;
        END $$
        """
    )
    _create_indexes()
    for column in FILTERED:
        op.drop_index(f"ix_books_{column}", "books")
    for table, change in {**CHANGED_BOOKS, **CHANGED_COLUMNS}:
        _create_trigger(table, change)


def _create_documents() -> None:
    op.create_table(
        "book_documents",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("title_words", sa.Text(collation="C"), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("price", sa.Numeric(12, 2), nullable=True),
        sa.Column("in_stock", sa.Boolean(), nullable=False),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("series_id", sa.BigInteger(), nullable=True),
        sa.Column("author_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("category_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("subject_codes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("rating", sa.Numeric(3, 2), nullable=True),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.item_id"], name=op.f("fk_book_documents_book_id_books"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("book_id", name=op.f("pk_book_documents")),
        # Room for the new version of a row, since prices and stock change often, on its own page. Index entries
        # are new each time all the same: facets count from an index that holds prices and stock (0011).
        postgresql_with={"fillfactor": 90},
    )
    # So many words are known to the planner by their number of books that others are surely rare.
    op.execute("ALTER TABLE book_documents ALTER words SET STATISTICS 1000")


def _create_words_and_synonyms() -> None:
    op.create_table("search_words", sa.Column("word", sa.Text(collation="C"), nullable=False))
    op.create_index(op.f("ix_search_words_word"), "search_words", ["word"])
    op.create_table(
        "search_synonyms",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("terms", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("finds", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_synonyms")),
    )
    op.create_table(
        "search_synonym_rules",
        sa.Column("synonym_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("searched", postgresql.TSQUERY(), nullable=False),
        sa.Column("finds", postgresql.TSQUERY(), nullable=False),
        sa.ForeignKeyConstraint(
            ["synonym_id"],
            ["search_synonyms.id"],
            name=op.f("fk_search_synonym_rules_synonym_id_search_synonyms"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("synonym_id", "position", name=op.f("pk_search_synonym_rules")),
    )
    op.create_index(
        "ix_search_synonym_rules_searched", "search_synonym_rules", ["searched"], postgresql_using="gist"
    )
    op.create_table(
        "search_misses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("query", sa.Text(collation="C"), nullable=False),
        sa.Column("count", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_misses")),
        sa.UniqueConstraint("query", name=op.f("uq_search_misses_query")),
    )
    op.create_index("ix_search_misses_count_id", "search_misses", ["count", "id"])


def _create_indexes() -> None:
    op.create_index("ix_book_documents_words", "book_documents", ["words"], postgresql_using="gin")
    op.create_index(
        "ix_book_documents_main_words",
        "book_documents",
        [sa.literal_column("ts_filter(words, '{a,b}'::\"char\"[])")],
        postgresql_using="gin",
    )
    op.create_index(
        "ix_book_documents_lists",
        "book_documents",
        ["author_ids", "category_ids", "subject_codes"],
        postgresql_using="gin",
    )
    op.create_index("ix_book_documents_title_words", "book_documents", ["title_words"])
    op.create_index("ix_book_documents_sample", "book_documents", ["sample"])
    op.create_index(
        "ix_search_words_trigrams",
        "search_words",
        ["word"],
        postgresql_ops={"word": "gin_trgm_ops"},
        postgresql_using="gin",
    )


def _create_functions(file: Path) -> None:
    # Separated by an empty line, each perhaps with a comment before it.
    for function in re.split(r"\n\n(?=--|CREATE)", file.read_text()):
        # A colon would announce a parameter.
        op.execute(function.replace(":", r"\:"))


def _create_trigger(table: str, change: str) -> None:
    name = f"documents_of_{table}_{change.lower()}"
    columns = CHANGED_COLUMNS.get((table, change))
    books = CHANGED_BOOKS.get((table, change))
    refresh = f"ids := ARRAY({books}); IF ids <> '{{}}' THEN PERFORM refresh_book_documents(ids); END IF;"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE ids bigint[]; BEGIN"
        f" {columns + ';' if columns else ''} {refresh if books else ''} RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER documents_{change.lower()} AFTER {change} ON {table} REFERENCING {TABLES[change]}"
        " FOR EACH STATEMENT WHEN (current_setting('bookstore.defer_documents', true) IS DISTINCT FROM 'on')"
        f" EXECUTE FUNCTION {name}()"
    )


def downgrade() -> None:
    for table, change in {**CHANGED_BOOKS, **CHANGED_COLUMNS}:
        op.execute(f"DROP TRIGGER documents_{change.lower()} ON {table}")
        op.execute(f"DROP FUNCTION documents_of_{table}_{change.lower()}()")
    op.execute("DROP FUNCTION refresh_book_documents(bigint[])")
    for function in (*QUERIES, "search_vector", "search_variants", "search_text", "plain_words"):
        op.execute(f"DROP FUNCTION {function}(text)")
    op.execute("DROP TEXT SEARCH CONFIGURATION search_headline")
    op.drop_table("search_misses")
    op.drop_table("search_synonym_rules")
    op.drop_table("search_synonyms")
    op.drop_table("search_words")
    op.drop_table("book_documents")
    for column in FILTERED:
        op.create_index(f"ix_books_{column}", "books", [column])
