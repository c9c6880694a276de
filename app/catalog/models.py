"""Tables of the catalogue: items, books, contributors, series, categories, stock."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.models import Base, Id, Timestamped, Versioned

MONEY = Numeric(12, 2)
FOLDED = Text(collation="C")
"""Text without case and accents, by the database function `fold`; compares alike on every machine."""


class Item(Timestamped, Versioned, Base):
    """The sellable unit, of whatever kind."""

    __tablename__ = "items"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    kind: Mapped[str]
    sku: Mapped[str | None]
    title: Mapped[str]
    title_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold(title)", persisted=True))
    description: Mapped[str | None]
    price: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(server_default="{}")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)

    __table_args__ = (
        UniqueConstraint("sku"),
        CheckConstraint("price > 0", name="price_positive"),
        Index("ix_items_title_folded_id", "title_folded", "id"),
        Index("ix_items_price_id", "price", "id"),
        Index("ix_items_created_at_id", "created_at", "id"),
        Index("ix_items_tags", "tags", postgresql_using="gin"),
        Index(
            "ix_items_title_trigrams",
            "title_folded",
            postgresql_ops={"title_folded": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
    )


class Series(Base):
    """A series of books; two spellings that differ in case or accents are one."""

    __tablename__ = "series"

    id: Mapped[Id]
    name: Mapped[str]
    name_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold(name)", persisted=True), unique=True)


class Book(Base):
    """What a book has beyond an item. One row each; the item's version stands for both."""

    __tablename__ = "books"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    isbn13: Mapped[str | None]
    subtitle: Mapped[str | None]
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

    __table_args__ = (
        UniqueConstraint("isbn13"),
        CheckConstraint("isbn13 ~ '^97[89][0-9]{10}$'", name="isbn13_shape"),
        CheckConstraint("pages > 0", name="pages_positive"),
        CheckConstraint(
            "(published_on IS NULL) = (published_precision IS NULL)"
            " AND published_precision IN ('year', 'month', 'day')",
            name="published_precision",
        ),
        Index("ix_books_year", "year"),
        Index("ix_books_language", "language"),
        Index("ix_books_format", "format"),
    )


class Author(Timestamped, Versioned, Base):
    """A contributor: who writes, edits, translates, illustrates or narrates."""

    __tablename__ = "authors"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    name: Mapped[str]
    sort_name: Mapped[str]
    aliases: Mapped[list[str]] = mapped_column(server_default="{}")
    names_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold_names(name, aliases)", persisted=True))

    __table_args__ = (
        Index("ix_authors_name_fold", text("fold(name)")),
        Index("ix_authors_sort_name_id", "sort_name", "id"),
        Index(
            "ix_authors_names_trigrams",
            "names_folded",
            postgresql_ops={"names_folded": "gin_trgm_ops"},
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
    """A book stands in any number of categories."""

    __tablename__ = "book_categories"

    book_id: Mapped[int] = mapped_column(ForeignKey("books.item_id", ondelete="CASCADE"), primary_key=True)
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), primary_key=True, index=True)


class StockLevel(Base):
    """How many of an item there are. Available is `on_hand - reserved`; `version` counts the changes."""

    __tablename__ = "stock_levels"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    on_hand: Mapped[int] = mapped_column(Integer, server_default="0")
    reserved: Mapped[int] = mapped_column(Integer, server_default="0")
    version: Mapped[int] = mapped_column(server_default="1")

    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("on_hand >= reserved", name="covers_reserved"),
    )


class StockMovement(Base):
    """One entry of the ledger. Written with the change of the level, never changed: a trigger refuses."""

    __tablename__ = "stock_movements"

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(index=True)
    delta: Mapped[int] = mapped_column(Integer)
    balance_after: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    actor_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
