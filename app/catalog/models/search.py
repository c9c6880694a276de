"""What searches and facets read: one document for each book, kept by triggers; and the words for spelling."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Numeric, Table, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.models.goods import FOLDED
from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned


class BookDocument(Base):
    """A book as searches and facets see it.

    Written by the database alone: statement triggers on what it is made of call
    `refresh_book_documents`. A bulk writer says `SET LOCAL bookstore.defer_documents = 'on'` and
    calls that function itself, once for each batch of ids.
    """

    __tablename__ = "book_documents"

    book_id: Mapped[int] = mapped_column(
        ForeignKey("books.item_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    title_words: Mapped[str] = mapped_column(FOLDED)
    """The title by `search_text`: without punctuation, initials joined."""
    title_filed: Mapped[str | None] = mapped_column(FOLDED)
    """The same of the title as it is filed, where that is another: without its article, or as the shop says."""
    words: Mapped[str] = mapped_column(TSVECTOR)
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    in_stock: Mapped[bool]
    language: Mapped[str | None] = mapped_column(Text(collation="C"))
    format: Mapped[str | None]
    year: Mapped[int | None] = mapped_column(Integer)
    series_id: Mapped[int | None]
    author_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    category_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """The book's categories and all that these stand in."""
    subject_codes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Every beginning of every code, so that what lies below a subject is found by containment."""
    rating: Mapped[Decimal | None] = mapped_column(Numeric(3, 2))
    sample: Mapped[int] = mapped_column(Integer)
    """A hash of the id: the books with the smallest ones are a sample of all."""

    __table_args__ = (
        Index("ix_book_documents_words", "words", postgresql_using="gin"),
        # Titles, names and series alone: far fewer books have a word there than in a description.
        Index(
            "ix_book_documents_main_words",
            text("ts_filter(words, '{a,b}'::\"char\"[])"),
            postgresql_using="gin",
        ),
        Index(
            "ix_book_documents_lists", "author_ids", "category_ids", "subject_codes", postgresql_using="gin"
        ),
        Index("ix_book_documents_title_words", "title_words"),
        Index("ix_book_documents_filed", text("COALESCE(title_filed, title_words)"), "book_id"),
        # Everything that facets count, in the order of the sample.
        Index(
            "ix_book_documents_sample",
            "sample",
            postgresql_include=[
                "book_id",
                "price",
                "in_stock",
                "language",
                "format",
                "year",
                "series_id",
                "rating",
                "author_ids",
                "category_ids",
            ],
        ),
        Index("ix_book_documents_language", "language"),
        Index("ix_book_documents_format", "format"),
        Index("ix_book_documents_year", "year"),
        Index("ix_book_documents_series_id", "series_id"),
        Index("ix_book_documents_price", "price"),
        Index("ix_book_documents_rating", "rating", postgresql_where=text("rating IS NOT NULL")),
    )


search_words = Table(
    "search_words",
    Base.metadata,
    # Not unique on purpose: writers of the same new word must not wait for one another.
    Column("word", FOLDED, nullable=False, index=True),
    Index(
        "ix_search_words_trigrams", "word", postgresql_ops={"word": "gin_trgm_ops"}, postgresql_using="gin"
    ),
)
"""Every word of more than the lowest weight: what misspelt words are compared with."""


class Synonym(Timestamped, Versioned, Base):
    """Terms that find one another or, where `finds` is given, that find those terms too."""

    __tablename__ = "search_synonyms"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    terms: Mapped[list[str]]
    finds: Mapped[list[str] | None]


class SynonymRule(Base):
    """What a synonym means for a query: where all words of `searched` are asked for, `finds` will do."""

    __tablename__ = "search_synonym_rules"

    synonym_id: Mapped[int] = mapped_column(
        ForeignKey("search_synonyms.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    searched: Mapped[str] = mapped_column(TSQUERY)
    finds: Mapped[str] = mapped_column(TSQUERY)

    __table_args__ = (Index("ix_search_synonym_rules_searched", "searched", postgresql_using="gist"),)


class SearchMiss(Base):
    """A search, by `search_text`, that found nothing; how often, and when last."""

    __tablename__ = "search_misses"

    id: Mapped[Id]
    query: Mapped[str] = mapped_column(FOLDED, unique=True)
    count: Mapped[int] = mapped_column(server_default="1")
    last_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_search_misses_count_id", "count", "id"),)
