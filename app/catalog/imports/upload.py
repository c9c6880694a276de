"""Receives the file of an import into the store, and what shall be done with it; documents the form."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import orjson
from fastapi import Request
from pydantic import ValidationError

from app.catalog.formats.columns import FIELDS, check_mapping
from app.catalog.formats.decoding import check_encoding
from app.catalog.formats.detection import HEAD, detect_format
from app.catalog.formats.record import SourceFormat
from app.catalog.imports.schemas import ImportIn
from app.catalog.imports.service import FOLDER, StoredUpload
from app.catalog.models import ImportMode, ImportStock, OnError
from app.core.http.uploads import (
    FormStream,
    UploadTooLarge,
    form_body,
    plain_name,
    refused_body,
    refused_field,
)
from app.core.storage.storage import Storage

_LONGEST_FILENAME = 200
_MIB = 1024 * 1024
_FIELDS = ", ".join(f"`{name}`" for name in FIELDS)


def _choice(values: Any, default: str | None, text: str) -> dict[str, Any]:
    described = {"type": "string", "enum": [value.value for value in values], "description": text}
    return described if default is None else {**described, "default": default}


FORM = form_body(
    {
        "multipart/form-data": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "CSV, NDJSON or ONIX 3.0."},
                "mode": _choice(
                    ImportMode,
                    ImportMode.UPSERT.value,
                    "`create`: only add books; `update`: only change books that are there, by ISBN-13;"
                    " `upsert`: either. A row that may not do what it asks for fails.",
                ),
                "on_error": _choice(
                    OnError,
                    OnError.SKIP_ROW.value,
                    "`skip_row`: other rows are written; `abort`: one failed row, and nothing is written.",
                ),
                "stock": _choice(
                    ImportStock,
                    ImportStock.OWN.value,
                    "Of ONIX: `own`: stock on hand changes the shop's only in an export of this shop;"
                    " `import`: a supplier's becomes the shop's too. Columns of CSV and NDJSON are the shop's own.",
                ),
                "dry_run": {"type": "boolean", "default": False, "description": "Report, but write nothing."},
                "allow_clearing": {
                    "type": "boolean",
                    "default": False,
                    "description": "Let the file empty a field in more than a tenth of its rows; without this, such"
                    " an import fails before it writes anything. A dry run counts them in `cleared`.",
                },
                "mapping": {
                    "type": "string",
                    "description": 'JSON: header of the file to field, or to "" to ignore it, such as'
                    f' `{{"Titel": "title", "Notes": ""}}`. Fields: {_FIELDS}.',
                },
                "format": _choice(SourceFormat, None, "Found out from the file's content, unless said here."),
                "encoding": {
                    "type": "string",
                    "description": "UTF-8, and UTF-16 with its mark, by themselves; cp1252 and others when declared,"
                    " best before the file.",
                },
                "delimiter": {
                    "type": "string",
                    "description": "Of CSV: comma, semicolon, tab, bar, or the character; found out unless said here.",
                },
            },
        }
    }
)


async def receive_import(request: Request) -> tuple[StoredUpload, ImportIn]:
    """Store the file; return what came, and what shall be done with it.

    Raises NotAnUpload, UploadInterrupted, UploadTooLarge, SourceRefused, RequestValidationError: then nothing
    is stored.
    """
    storage: Storage = request.app.state.storage.opened
    form = FormStream(request, "file")
    upload = await _receive(request, form, storage)
    try:
        options = _read_options(form.fields)
        check_mapping(options.mapping)
        if options.encoding is not None:
            check_encoding(options.encoding)
    except Exception:
        await storage.delete([upload.name])
        raise
    return upload, options


def _read_options(fields: dict[str, str]) -> ImportIn:
    """Validate the form's fields as a request. Raises RequestValidationError."""
    given: dict[str, object] = {name: value for name, value in fields.items() if value}
    if "mapping" in given:
        try:
            given["mapping"] = orjson.loads(fields["mapping"])
        except orjson.JSONDecodeError as fault:
            raise refused_field("mapping", "json_invalid_text", f"is not JSON: {fault}") from None
    try:
        return ImportIn.model_validate(given)
    except ValidationError as fault:
        raise refused_body(fault) from None


async def _receive(request: Request, form: FormStream, storage: Storage) -> StoredUpload:
    """Store the form's file; when anything is wrong with it or the form, nothing is stored."""
    most: int = request.app.state.settings.imports.max_size
    if int(request.headers.get("content-length") or 0) > (most + 1) * _MIB:
        raise _too_large(most)
    await form.open()
    upload = StoredUpload(f"{FOLDER}/{uuid.uuid4().hex}", plain_name(form.filename, _LONGEST_FILENAME))
    await storage.put_stream(upload.name, _content(form, upload, most))
    try:
        await form.close()
    except BaseException:
        await storage.delete([upload.name])
        raise
    return upload


async def _content(form: FormStream, upload: StoredUpload, most: int) -> AsyncIterator[bytes]:
    """Pass the file on and count its bytes; detect its format as early as possible, so that nobody sends on in vain.

    Raises UploadTooLarge, SourceRefused, UploadInterrupted.
    """
    head, is_judged = bytearray(), False
    async for piece in form.pieces():
        upload.size += len(piece)
        if upload.size > most * _MIB:
            raise _too_large(most)
        if not is_judged:
            head += piece
            if len(head) >= HEAD:
                upload.format, is_judged = _judge(head, form, upload), True
        yield piece
    if not is_judged:
        upload.format = _judge(head, form, upload)


def _judge(head: bytearray, form: FormStream, upload: StoredUpload) -> SourceFormat:
    return detect_format(bytes(head[:HEAD]), upload.filename, form.fields.get("encoding") or None)


def _too_large(most: int) -> UploadTooLarge:
    return UploadTooLarge(f"A file may have {most} MiB; split it into several.")
