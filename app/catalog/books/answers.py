"""A book as clients see it."""

from app.catalog.books.schemas import BookOut, cover_out
from app.catalog.isbn import to_isbn10
from app.catalog.models import ContributorRole
from app.catalog.partial_dates import format_partial_date
from app.core.db.queries import AnyRow


def book_out(row: AnyRow) -> BookOut:
    """The answer for a row of `BOOK_COLUMNS`."""
    values = row._asdict()
    contributors = values["contributors"] or []
    isbn = values.pop("isbn13")
    precision = values["published_precision"]
    published_on = format_partial_date(values["published_on"], precision) if precision else None
    authors = [one["name"] for one in contributors if one["role"] == ContributorRole.AUTHOR]
    values |= {
        "isbn": isbn,
        "isbn10": to_isbn10(isbn) if isbn else None,
        "author": ", ".join(authors) or None,
        "contributors": contributors,
        "categories": values["categories"] or [],
        "cover": cover_out(values["cover"]),
        "published_on": published_on,
    }
    return BookOut.model_validate(values)
