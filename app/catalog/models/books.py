"""Books: editions of works, who made them, and the shelves they stand on."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.models.goods import FOLDED
from app.core.db.models import Base, Id, Timestamped, Versioned


class BookFormat(StrEnum):
    """How an edition is made."""

    HARDCOVER = "hardcover"
    PAPERBACK = "paperback"
    EBOOK = "ebook"
    AUDIOBOOK = "audiobook"
    OTHER = "other"


class ContributorRole(StrEnum):
    """What somebody did for a book."""

    AUTHOR = "author"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    ILLUSTRATOR = "illustrator"
    NARRATOR = "narrator"


class SupplierAvailability(StrEnum):
    """Whether a supplier has a book; the shop's own stock is another matter."""

    AVAILABLE = "available"
    TO_ORDER = "to_order"
    REPRINTING = "reprinting"
    NOT_YET = "not_yet"
    OUT_OF_PRINT = "out_of_print"


class Series(Versioned, Base):
    """A series of books; two spellings of one name, by the database function `series_key`, are one."""

    __tablename__ = "series"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    name: Mapped[str]
    name_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold(name)", persisted=True))
    name_words: Mapped[str] = mapped_column(FOLDED, Computed("name_words(fold(name))", persisted=True))
    """As an author's `names_words`."""

    __table_args__ = (
        Index("uq_series_key", text("series_key(name)"), unique=True),
        Index("ix_series_name_folded_id", "name_folded", "id"),
        Index(
            "ix_series_words_trigrams",
            "name_words",
            postgresql_ops={"name_words": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
    )


class Work(Timestamped, Versioned, Base):
    """What editions have in common: title and principal author.

    A work that was merged into another one keeps its row, without editions, so that its id can
    lead to the other one and the merge can be undone.
    """

    __tablename__ = "works"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    title: Mapped[str]
    title_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold(title)", persisted=True))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id", ondelete="SET NULL"), index=True)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("works.id"))

    __table_args__ = (
        Index(
            "ix_works_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")
        ),
        Index("ix_works_title_folded_author_id", "title_folded", "author_id"),
        Index(
            "ix_works_title_trigrams",
            "title_folded",
            postgresql_ops={"title_folded": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
    )


class Book(Base):
    """What a book has beyond an item. One row each; the item's version stands for both.

    `subjects` holds `{scheme, code, heading}`. `supplier_expected_on` is a partial date as text: nothing is
    sorted or looked for by it.
    """

    __tablename__ = "books"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    work_id: Mapped[int] = mapped_column(ForeignKey("works.id"), index=True)
    isbn13: Mapped[str | None]
    title_sort: Mapped[str | None]
    """As the shop files the title, where `filed_title` would file it otherwise."""
    subtitle: Mapped[str | None]
    edition_statement: Mapped[str | None]
    publisher: Mapped[str | None]
    published_on: Mapped[date | None] = mapped_column(Date)
    published_precision: Mapped[str | None]
    first_published: Mapped[int | None] = mapped_column(Integer)
    year: Mapped[int | None] = mapped_column(
        Integer,
        Computed("COALESCE(first_published, EXTRACT(YEAR FROM published_on)::integer)", persisted=True),
    )
    language: Mapped[str | None]
    format: Mapped[str | None]
    pages: Mapped[int | None] = mapped_column(Integer)
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id"), index=True)
    series_position: Mapped[str | None]
    series_order: Mapped[Decimal | None] = mapped_column(Numeric(10, 3))
    subjects: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    is_price_fixed: Mapped[bool] = mapped_column(server_default="false")
    supplier_availability: Mapped[str | None]
    supplier_expected_on: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("isbn13"),
        Index(
            "ix_books_supplier_availability",
            "supplier_availability",
            postgresql_where=text("supplier_availability IS NOT NULL"),
        ),
        Index("ix_books_publication", text("publication_order(published_on, first_published)"), "item_id"),
        CheckConstraint("isbn13 ~ '^97[89][0-9]{10}$'", name="isbn13_shape"),
        CheckConstraint("pages > 0", name="pages_positive"),
        CheckConstraint(
            "(published_on IS NULL) = (published_precision IS NULL)"
            " AND published_precision IN ('year', 'month', 'day')",
            name="published_precision",
        ),
    )


class Author(Timestamped, Versioned, Base):
    """A contributor: who writes, edits, translates, illustrates or narrates; merged ones as `Work`."""

    __tablename__ = "authors"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    name: Mapped[str]
    sort_name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(server_default="{}")
    names_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold_names(name, aliases)", persisted=True))
    names_words: Mapped[str] = mapped_column(
        FOLDED, Computed("name_words(fold_names(name, aliases))", persisted=True)
    )
    """By `search_text`, a space before each word: for what begins with a text, and for words that do."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"), index=True)

    __table_args__ = (
        Index("ix_authors_person_key", text("person_key(name)")),
        Index("ix_authors_sort_name_folded_id", text("fold(sort_name)"), "id"),
        Index(
            "ix_authors_aliases",
            text("person_keys(aliases)"),
            postgresql_using="gin",
            postgresql_where=text("aliases <> '{}'"),
        ),
        Index(
            "ix_authors_names_trigrams",
            "names_folded",
            postgresql_ops={"names_folded": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
        Index(
            "ix_authors_words_trigrams",
            "names_words",
            postgresql_ops={"names_words": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
    )


class Contributor(Base):
    """Who did what for a book, in printed order."""

    __tablename__ = "contributors"

    book_id: Mapped[int] = mapped_column(ForeignKey("books.item_id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    author_id: Mapped[int] = mapped_column(ForeignKey("authors.id"), index=True)
    role: Mapped[str]

    __table_args__ = (UniqueConstraint("book_id", "author_id", "role"),)


class Category(Timestamped, Versioned, Base):
    """A node of the category tree. `path` holds the slugs from the root, joined by `/`."""

    __tablename__ = "categories"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    name: Mapped[str]
    slug: Mapped[str]
    path: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)

    __table_args__ = (
        UniqueConstraint("slug"),
        UniqueConstraint("path"),
        Index("ix_categories_path_prefix", "path", postgresql_ops={"path": "text_pattern_ops"}),
    )


class BookCategory(Base):
    """An item of any kind stands in any number of categories; the names are from when only books did."""

    __tablename__ = "book_categories"

    book_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), primary_key=True)

    __table_args__ = (Index("ix_book_categories_category_id_book_id", "category_id", "book_id"),)
