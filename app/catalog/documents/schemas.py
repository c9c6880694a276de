"""What clients send and see of documents."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import FormModel, ResponseModel, RowId, Text, Timestamp, VisibleLine

DOCUMENT_PATH = "/media/documents"


class DocumentKind(StrEnum):
    """What a document is, by what it holds."""

    PDF = "pdf"
    TEXT = "text"
    CSV = "csv"


ENDINGS = {DocumentKind.PDF: "pdf", DocumentKind.TEXT: "txt", DocumentKind.CSV: "csv"}
MEDIA_TYPES = {
    DocumentKind.PDF: "application/pdf",
    DocumentKind.TEXT: "text/plain",
    DocumentKind.CSV: "text/csv",
}
FILE_PATTERN = f"[0-9a-f]{{40}}\\.({'|'.join(ENDINGS.values())})"

DocumentCategory = Annotated[VisibleLine, Field(max_length=50)]


class DocumentFields(FormModel):
    """What a form says of its documents beside the files."""

    description: Annotated[Text, Field(max_length=1000)] | None = None
    category: DocumentCategory | None = None


class DocumentOut(ResponseModel):
    """A document."""

    id: RowId = Field(examples=[5])
    filename: str = Field(examples=["price-list.pdf"])
    kind: DocumentKind = Field(examples=["pdf"])
    size: int = Field(description="Bytes.", examples=[48213])
    pages: int | None = Field(description="Of a PDF.", examples=[12])
    description: str | None = Field(examples=["Prices of spring"])
    category: str | None = Field(examples=["prices"])
    url: str = Field(
        description="Where it is downloaded by whoever knows the address, which nobody can guess.",
        examples=["/media/documents/4be27711afd2ed40a7ad8c1d9e5dbd2203e805dc.pdf"],
    )
    created_at: Timestamp


class DocumentsOut(ResponseModel):
    """The documents of one upload, in the order in which they came."""

    items: list[DocumentOut]


class DocumentFilter(ListQuery):
    """Which of one's documents to list."""

    category: DocumentCategory | None = Field(default=None, description="Only those of this category.")
    kind: DocumentKind | None = Field(default=None, description="Only those of this kind.")


class OwnedDocuments(DocumentFilter):
    """The same with whose they are, so that a cursor is good for their owner alone."""

    owner_id: RowId
