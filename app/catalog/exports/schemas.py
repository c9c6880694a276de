"""What an export may be asked for."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.catalog.index.criteria import AnyOf, BookCriteria
from app.catalog.models import BookFormat
from app.core.db.sorting import SplitKeys


class ExportKind(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    NDJSON = "ndjson"
    ONIX = "onix"


class ExportQuery(BookCriteria):
    """The filters of `/books`, without pages: an export holds all that match, by id."""

    format: ExportKind = Field(  # type: ignore[assignment]  # of the file here, of the books in the base
        default=ExportKind.CSV, description="Of the file: `onix` is ONIX 3.0, reference tags."
    )
    book_format: Annotated[list[BookFormat], SplitKeys, *AnyOf] = Field(
        default=[], description="What `format` is on `/books`: `hardcover`, `paperback`…"
    )
    bom: bool = Field(
        default=False, description="CSV begins with a byte order mark, by which Excel knows UTF-8."
    )

    @property
    def criteria(self) -> BookCriteria:
        """The filters as `/books` takes them."""
        names = BookCriteria.model_fields.keys() - {"format"}
        # Validated already, as fields of this model.
        return BookCriteria.model_construct(
            **{name: getattr(self, name) for name in names}, format=self.book_format
        )

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole catalogue for the shop itself, with what is off sale; ONIX is for others."""
        options = {"format", "bom"}
        return self.format is not ExportKind.ONIX and self.model_fields_set <= options

    @property
    def asked(self) -> dict[str, object]:
        """What was asked for, for the audit log."""
        return self.model_dump(mode="json", exclude_unset=True)
