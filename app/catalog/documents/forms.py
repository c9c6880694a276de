"""Reads documents from the body of a request whose caller is known by then."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from app.catalog.documents.schemas import DocumentFields
from app.core.http.uploads import MULTIPART, form_body, read_form, refused_body, refused_field

MOST_FILES = 10
LARGEST_FILE = 5 * 1024 * 1024
ALL_FILES = MOST_FILES * LARGEST_FILE + 1024 * 1024
LONGEST_NAME = 255

DOCUMENTS_FORM = form_body(
    {
        MULTIPART: {
            "type": "object",
            "required": ["files"],
            "properties": {
                "files": {
                    "type": "array",
                    "maxItems": MOST_FILES,
                    "items": {
                        "type": "string",
                        "format": "binary",
                        "contentMediaType": "application/octet-stream",
                    },
                    "description": "PDF, text (`.txt`) or CSV (`.csv`), 5 MiB each.",
                },
                "description": {"type": "string", "maxLength": 1000, "description": "Of all of them."},
                "category": {"type": "string", "maxLength": 50, "description": "Of all of them."},
            },
        }
    }
)


@asynccontextmanager
async def documents_form(request: Request) -> AsyncIterator[tuple[list[UploadFile], DocumentFields]]:
    """The form's `files`, and what it says of them."""
    async with read_form(request, files=MOST_FILES, fields=len(DocumentFields.model_fields)) as form:
        files = [value for value in form.getlist("files") if isinstance(value, UploadFile)]
        if not files or len(files) < len(form.getlist("files")):
            raise refused_field("files", "missing", "Send one to ten files")
        texts = {name: value for name, value in form.items() if name != "files"}
        try:
            fields = DocumentFields.model_validate(texts)
        except ValidationError as fault:
            raise refused_body(fault) from None
        yield files, fields
