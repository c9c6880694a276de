"""First schema: accounts, items, books, contributors, series, categories, stock and its ledger.

`fold` is how text is compared everywhere: compatibility forms, accents and case do not count.
Its body is bound when it is created, so that the search path of a session cannot change it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


FUNCTIONS = (
    """
    CREATE FUNCTION fold(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN casefold(unaccent('unaccent'::regdictionary, normalize(value, NFKC)) COLLATE pg_unicode_fast)
    """,
    """
    CREATE FUNCTION fold_names(name text, aliases text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN fold(name || E'\\n' || array_to_string(aliases, E'\\n'))
    """,
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
    """,
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS unaccent")
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for function in FUNCTIONS:
        op.execute(function)
    op.create_table(
        "authors",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_name", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "names_folded",
            sa.Text(collation="C"),
            sa.Computed("fold_names(name, aliases)", persisted=True),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_authors")),
    )
    op.create_index("ix_authors_name_fold", "authors", [sa.literal_column("fold(name)")], unique=False)
    op.create_index(
        "ix_authors_names_trigrams",
        "authors",
        ["names_folded"],
        unique=False,
        postgresql_ops={"names_folded": "gin_trgm_ops"},
        postgresql_using="gin",
    )
    op.create_index("ix_authors_sort_name_id", "authors", ["sort_name", "id"], unique=False)
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id_categories")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("path", name=op.f("uq_categories_path")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
    )
    op.create_index(op.f("ix_categories_parent_id"), "categories", ["parent_id"], unique=False)
    op.create_index(
        "ix_categories_path_prefix",
        "categories",
        ["path"],
        unique=False,
        postgresql_ops={"path": "text_pattern_ops"},
    )
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_folded", sa.Text(collation="C"), sa.Computed("fold(name)", persisted=True), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("name_folded", name=op.f("uq_series_name_folded")),
    )
    op.create_table(
        "stock_movements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("delta", sa.Integer(), nullable=False),
        sa.Column("balance_after", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movements")),
    )
    op.create_index(op.f("ix_stock_movements_item_id"), "stock_movements", ["item_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), server_default="user", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("is_verified", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "role IN ('user', 'moderator', 'admin', 'super_admin')", name=op.f("ck_users_role")
        ),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_users_username_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "title_folded", sa.Text(collation="C"), sa.Computed("fold(title)", persisted=True), nullable=False
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("price > 0", name=op.f("ck_items_price_positive")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_items_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_items")),
        sa.UniqueConstraint("sku", name=op.f("uq_items_sku")),
    )
    op.create_index("ix_items_created_at_id", "items", ["created_at", "id"], unique=False)
    op.create_index(op.f("ix_items_owner_id"), "items", ["owner_id"], unique=False)
    op.create_index("ix_items_price_id", "items", ["price", "id"], unique=False)
    op.create_index("ix_items_tags", "items", ["tags"], unique=False, postgresql_using="gin")
    op.create_index("ix_items_title_folded_id", "items", ["title_folded", "id"], unique=False)
    op.create_index(
        "ix_items_title_trigrams",
        "items",
        ["title_folded"],
        unique=False,
        postgresql_ops={"title_folded": "gin_trgm_ops"},
        postgresql_using="gin",
    )
    op.create_table(
        "books",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("isbn13", sa.Text(), nullable=True),
        sa.Column("subtitle", sa.Text(), nullable=True),
        sa.Column("publisher", sa.Text(), nullable=True),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("published_precision", sa.Text(), nullable=True),
        sa.Column("first_published", sa.Integer(), nullable=True),
        sa.Column(
            "year",
            sa.Integer(),
            sa.Computed(
                "COALESCE(first_published, EXTRACT(YEAR FROM published_on)::integer)", persisted=True
            ),
            nullable=True,
        ),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("series_id", sa.BigInteger(), nullable=True),
        sa.Column("series_position", sa.Text(), nullable=True),
        sa.Column("series_order", sa.Numeric(precision=10, scale=3), nullable=True),
        sa.CheckConstraint(
            "(published_on IS NULL) = (published_precision IS NULL) AND published_precision IN ('year', 'month', 'day')",
            name=op.f("ck_books_published_precision"),
        ),
        sa.CheckConstraint("isbn13 ~ '^97[89][0-9]{10}$'", name=op.f("ck_books_isbn13_shape")),
        sa.CheckConstraint("pages > 0", name=op.f("ck_books_pages_positive")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_books_item_id_items"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_books_series_id_series")),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_books")),
        sa.UniqueConstraint("isbn13", name=op.f("uq_books_isbn13")),
    )
    op.create_index("ix_books_format", "books", ["format"], unique=False)
    op.create_index("ix_books_language", "books", ["language"], unique=False)
    op.create_index(op.f("ix_books_series_id"), "books", ["series_id"], unique=False)
    op.create_index("ix_books_year", "books", ["year"], unique=False)
    op.create_table(
        "stock_levels",
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint("on_hand >= reserved", name=op.f("ck_stock_levels_covers_reserved")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved_not_negative")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_stock_levels_item_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_stock_levels")),
    )
    op.create_table(
        "book_categories",
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.item_id"], name=op.f("fk_book_categories_book_id_books"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_book_categories_category_id_categories")
        ),
        sa.PrimaryKeyConstraint("book_id", "category_id", name=op.f("pk_book_categories")),
    )
    op.create_index(op.f("ix_book_categories_category_id"), "book_categories", ["category_id"], unique=False)
    op.create_table(
        "contributors",
        sa.Column("book_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["authors.id"], name=op.f("fk_contributors_author_id_authors")
        ),
        sa.ForeignKeyConstraint(
            ["book_id"], ["books.item_id"], name=op.f("fk_contributors_book_id_books"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("book_id", "position", name=op.f("pk_contributors")),
        sa.UniqueConstraint(
            "book_id", "author_id", "role", name=op.f("uq_contributors_book_id_author_id_role")
        ),
    )
    op.create_index(op.f("ix_contributors_author_id"), "contributors", ["author_id"], unique=False)

    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_movements"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_contributors_author_id"), table_name="contributors")
    op.drop_table("contributors")
    op.drop_index(op.f("ix_book_categories_category_id"), table_name="book_categories")
    op.drop_table("book_categories")
    op.drop_table("stock_levels")
    op.drop_index("ix_books_year", table_name="books")
    op.drop_index(op.f("ix_books_series_id"), table_name="books")
    op.drop_index("ix_books_language", table_name="books")
    op.drop_index("ix_books_format", table_name="books")
    op.drop_table("books")
    op.drop_index(
        "ix_items_title_trigrams",
        table_name="items",
        postgresql_ops={"title_folded": "gin_trgm_ops"},
        postgresql_using="gin",
    )
    op.drop_index("ix_items_title_folded_id", table_name="items")
    op.drop_index("ix_items_tags", table_name="items", postgresql_using="gin")
    op.drop_index("ix_items_price_id", table_name="items")
    op.drop_index(op.f("ix_items_owner_id"), table_name="items")
    op.drop_index("ix_items_created_at_id", table_name="items")
    op.drop_table("items")
    op.drop_table("users")
    op.drop_index(op.f("ix_stock_movements_item_id"), table_name="stock_movements")
    op.drop_table("stock_movements")
    op.drop_table("series")
    op.drop_index(
        "ix_categories_path_prefix", table_name="categories", postgresql_ops={"path": "text_pattern_ops"}
    )
    op.drop_index(op.f("ix_categories_parent_id"), table_name="categories")
    op.drop_table("categories")
    op.drop_index("ix_authors_sort_name_id", table_name="authors")
    op.drop_index(
        "ix_authors_names_trigrams",
        table_name="authors",
        postgresql_ops={"names_folded": "gin_trgm_ops"},
        postgresql_using="gin",
    )
    op.drop_index("ix_authors_name_fold", table_name="authors")
    op.drop_table("authors")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION fold_names(text, text[])")
    op.execute("DROP FUNCTION fold(text)")
