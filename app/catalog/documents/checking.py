"""Tells what an uploaded document is, and has its structure checked in a confined process."""

import asyncio
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.catalog.documents.errors import BrokenDocument, UnsafeDocument, UnsupportedDocument
from app.catalog.documents.schemas import ENDINGS, DocumentKind
from app.core.errors import AppError
from app.core.isolation import Bounds, IsolationFault, run_isolated

TIME_LIMIT = 20.0
"""Seconds until a check is stopped that does not come to an end."""
LARGEST_ANSWER = 4096
_PDF = b"%PDF-"
_CHECKER = Path(__file__).with_name("checker.py")
_KINDS = {ending: kind for kind, ending in ENDINGS.items() if kind is not DocumentKind.PDF}
_REFUSALS: dict[str, type[AppError]] = {"broken": BrokenDocument, "unsafe": UnsafeDocument}
_one_at_a_time = asyncio.Semaphore(1)


class _Refusal(BaseModel):
    """A checker's answer when it does not take the document."""

    refused: Literal["broken", "unsafe"]
    detail: str = Field(max_length=200)


class _Checked(BaseModel):
    """A checker's answer otherwise."""

    pages: Annotated[int, Field(ge=1)] | None


_ANSWER = TypeAdapter[_Refusal | _Checked](_Refusal | _Checked)


def kind_of(file: BinaryIO, filename: str) -> DocumentKind:
    """What the document claims to be: a PDF by its first bytes, text and CSV by its name. Raises UnsupportedDocument."""
    file.seek(0)
    is_pdf = file.read(len(_PDF)) == _PDF
    kind = DocumentKind.PDF if is_pdf else _KINDS.get(filename.rpartition(".")[2].lower())
    if kind is None:
        raise UnsupportedDocument(f"{filename}: send a PDF, or text as .txt, or CSV as .csv.")
    return kind


async def count_pages(file: BinaryIO, filename: str, kind: DocumentKind) -> int | None:
    """Check the document's structure; the pages of a PDF. Raises BrokenDocument, UnsafeDocument, and TimeoutError."""
    try:
        async with _one_at_a_time:
            answer = await run_isolated(_CHECKER, file, Bounds(TIME_LIMIT, LARGEST_ANSWER), kind.value)
        found = _ANSWER.validate_json(answer)
    except (IsolationFault, ValidationError):
        raise BrokenDocument(f"{filename}: cannot be read, or not in reasonable time.") from None
    if isinstance(found, _Refusal):
        raise _REFUSALS[found.refused](f"{filename}: {found.detail}")
    return found.pages
