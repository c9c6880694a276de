"""What facets and suggestions read.

Facets count from an index that holds all they need in the order of `sample`: a walk from its
beginning is a sample of all books, and a whole one reads a seventh of what the table has.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COUNTED = (
    *("book_id", "price", "in_stock", "language", "format", "year", "series_id", "rating"),
    *("author_ids", "category_ids"),
)
RARE = ("language", "format", "year", "series_id")
"""Columns whose rare values are found sooner by an index of their own."""

FUNCTIONS = (
    r"""
    CREATE FUNCTION name_words(folded text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN ' ' || translate(plain_words(folded), E'\n', ' ')
    """,
    # Words that no known one begins with are mended; when nothing was found, all that are not known as they are.
    """
    CREATE FUNCTION corrected_prefix(value text, found_nothing boolean) RETURNS text
    LANGUAGE sql STABLE STRICT PARALLEL SAFE BEGIN ATOMIC
        SELECT nullif(string_agg(CASE
            WHEN length(part) < 4 OR part ~ '^[0-9]+$' OR EXISTS (
                SELECT FROM search_words AS known
                WHERE known.word >= part COLLATE "C"
                AND known.word < (CASE WHEN found_nothing THEN part || ' ' ELSE part || chr(1114111) END) COLLATE "C"
            ) THEN part
            ELSE coalesce((SELECT near.word FROM similar_words(part) AS near LIMIT 1), part)
        END, ' ' ORDER BY place), value)
        FROM unnest(string_to_array(value, ' ')) WITH ORDINALITY AS parts (part, place);
    END
    """,
)


def upgrade() -> None:
    # Regions follow their language: `en`, then everything that begins with `en-`.
    op.alter_column("book_documents", "language", type_=sa.Text(collation="C"))
    op.drop_index("ix_book_documents_sample", table_name="book_documents")
    op.create_index(
        "ix_book_documents_sample", "book_documents", ["sample"], postgresql_include=list(COUNTED)
    )
    for column in RARE:
        op.create_index(f"ix_book_documents_{column}", "book_documents", [column])
    # Neighbours in a category, and whatever the category alone was looked up for.
    op.drop_index("ix_book_categories_category_id", table_name="book_categories")
    op.create_index("ix_book_categories_category_id_book_id", "book_categories", ["category_id", "book_id"])
    for function in FUNCTIONS:
        op.execute(function)
    words = sa.Computed("name_words(fold_names(name, aliases))", persisted=True)
    op.add_column("authors", sa.Column("names_words", sa.Text(collation="C"), words, nullable=False))
    op.create_index(
        "ix_authors_words_trigrams",
        "authors",
        ["names_words"],
        postgresql_ops={"names_words": "gin_trgm_ops"},
        postgresql_using="gin",
    )
    words = sa.Computed("name_words(fold(name))", persisted=True)
    op.add_column("series", sa.Column("name_words", sa.Text(collation="C"), words, nullable=False))
    op.create_index(
        "ix_series_words_trigrams",
        "series",
        ["name_words"],
        postgresql_ops={"name_words": "gin_trgm_ops"},
        postgresql_using="gin",
    )


def downgrade() -> None:
    op.drop_column("series", "name_words")
    op.drop_column("authors", "names_words")
    op.drop_index("ix_book_categories_category_id_book_id", table_name="book_categories")
    op.create_index("ix_book_categories_category_id", "book_categories", ["category_id"])
    op.execute("DROP FUNCTION corrected_prefix(text, boolean)")
    op.execute("DROP FUNCTION name_words(text)")
    for column in RARE:
        op.drop_index(f"ix_book_documents_{column}", table_name="book_documents")
    op.drop_index("ix_book_documents_sample", table_name="book_documents")
    op.create_index("ix_book_documents_sample", "book_documents", ["sample"])
    op.alter_column("book_documents", "language", type_=sa.Text())
