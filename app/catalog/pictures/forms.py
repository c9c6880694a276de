"""Reads uploads from the body of a request whose caller is known by then, in chunks, to a nameless file."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import Scope

from app.catalog.goods.pictures import BINARY_FILE, MOST_PICTURES, PICTURE_RULES, StoredPicture
from app.catalog.pictures.schemas import Attach, PictureReference
from app.catalog.pictures.store import LARGEST_FILE, PictureStore
from app.core.http.idempotency import IdempotentRoute
from app.core.http.uploads import (
    MULTIPART,
    UploadInterrupted,
    form_body,
    media_type,
    read_form,
    refused_body,
    refused_field,
)

_Model = TypeVar("_Model", bound=BaseModel)
MOST_FILES = 20
OVERHEAD = 64 * 1024
"""What a form may have beside its files."""
ONE_FILE = LARGEST_FILE + OVERHEAD
ALL_FILES = 64 * 1024 * 1024


class FormRoute(IdempotentRoute):
    """A route that takes forms alone: any other body goes to the next route of its path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match as any route, where the body says that it is a form."""
        match, child = super().matches(scope)
        if match is not Match.NONE and media_type(Request(scope)) != MULTIPART:
            return Match.NONE, {}
        return match, child


PICTURE_FORM = form_body(
    {
        "multipart/form-data": {
            "type": "object",
            "required": ["file"],
            "properties": {"file": {**BINARY_FILE, "description": PICTURE_RULES}},
        },
        "application/json": PictureReference.model_json_schema(),
    }
)
UPLOADS_FORM = form_body(
    {
        "multipart/form-data": {
            "type": "object",
            "required": ["files"],
            "properties": {
                "files": {
                    "type": "array",
                    "items": BINARY_FILE,
                    "maxItems": MOST_FILES,
                    "description": PICTURE_RULES,
                },
                "attach": {
                    "type": "string",
                    "enum": [choice.value for choice in Attach],
                    "default": Attach.NONE.value,
                    "description": "`isbn`: each becomes the cover of the book whose ISBN the file is named after.",
                },
            },
        },
    }
)


async def read_listing(
    request: Request, model: type[_Model], store: PictureStore
) -> tuple[_Model, list[StoredPicture]]:
    """What a form lists, and its pictures, stored by now; perhaps there are none."""
    async with read_form(request, files=MOST_PICTURES, fields=1) as form:
        _allow(form, {"data", "pictures"})
        data = form.get("data")
        if not isinstance(data, str):
            raise refused_field("data", "missing", "Field required")
        try:
            goods = model.model_validate_json(data)
        except ValidationError as fault:
            raise refused_body(fault) from None
        files = _files(form, "pictures") if "pictures" in form else []
        return goods, [await store.add(file) for file in files]


def is_json(request: Request) -> bool:
    """Whether the body says that it is JSON."""
    return media_type(request) == "application/json"


async def read_reference(request: Request) -> PictureReference:
    """Read the body as JSON."""
    try:
        return PictureReference.model_validate_json(await request.body())
    except ValidationError as fault:
        raise refused_body(fault) from None
    except ClientDisconnect:
        raise UploadInterrupted("The body ended early.") from None


@asynccontextmanager
async def one_file(request: Request) -> AsyncIterator[UploadFile]:
    """The form's only field, `file`."""
    async with read_form(request, files=1, fields=1) as form:
        _allow(form, {"file"})
        yield _files(form, "file")[0]


@asynccontextmanager
async def several_files(request: Request) -> AsyncIterator[tuple[list[UploadFile], Attach]]:
    """The form's `files`, and what shall become of them."""
    async with read_form(request, files=MOST_FILES, fields=2) as form:
        _allow(form, {"files", "attach"})
        files = _files(form, "files")
        attach = form.get("attach", Attach.NONE.value)
        if attach not in set(Attach):
            raise refused_field("attach", "enum", f"Input should be {' or '.join(Attach)}")
        yield files, Attach(attach)


def _allow(form: FormData, known: set[str]) -> None:
    for name in form:
        if name not in known:
            raise refused_field(name, "extra_forbidden", "Extra inputs are not permitted")


def _files(form: FormData, field: str) -> list[UploadFile]:
    values = form.getlist(field)
    if not values:
        raise refused_field(field, "missing", "Field required")
    files = [value for value in values if isinstance(value, UploadFile)]
    if len(files) < len(values):
        raise refused_field(field, "file_expected", "Send a file, with a file name")
    return files
