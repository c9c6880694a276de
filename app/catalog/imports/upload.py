"""Receives the file of an import into the store, and what shall be done with it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
from fastapi import Request
from pydantic import ValidationError

from app.catalog.formats.columns import check_mapping
from app.catalog.formats.decoding import check_encoding
from app.catalog.formats.detection import HEAD, detect_format
from app.catalog.formats.record import SourceFormat
from app.catalog.imports.schemas import ImportIn
from app.core.http.uploads import FormStream, UploadTooLarge, plain_name, refused_body, refused_field
from app.core.storage.storage import Storage

_LONGEST_FILENAME = 200
_MIB = 1024 * 1024


@dataclass(slots=True)
class Upload:
    """What came: of the file its name, size and format by content."""

    filename: str
    size: int = 0
    format: SourceFormat = SourceFormat.CSV


async def receive_import(request: Request, name: str) -> tuple[Upload, ImportIn]:
    """Store the file under the name; what came, and what shall be done with it.

    Raises NotAnUpload, UploadInterrupted, UploadTooLarge, SourceRefused, RequestValidationError: then nothing
    is stored.
    """
    storage: Storage = request.app.state.storage.opened
    form = FormStream(request, "file")
    upload = await _receive(request, form, storage, name)
    try:
        options = _read_options(form.fields)
        check_mapping(options.mapping)
        if options.encoding is not None:
            check_encoding(options.encoding)
    except Exception:
        await storage.delete([name])
        raise
    return upload, options


def _read_options(fields: dict[str, str]) -> ImportIn:
    """The form's fields as a request. Raises RequestValidationError."""
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


async def _receive(request: Request, form: FormStream, storage: Storage, name: str) -> Upload:
    """Store the form's file under the name; when anything is wrong with it or the form, nothing is stored."""
    most: int = request.app.state.settings.imports.max_size
    if int(request.headers.get("content-length") or 0) > (most + 1) * _MIB:
        raise _too_large(most)
    await form.open()
    upload = Upload(plain_name(form.filename, _LONGEST_FILENAME))
    await storage.put_stream(name, _content(form, upload, most))
    try:
        await form.close()
    except BaseException:
        await storage.delete([name])
        raise
    return upload


async def _content(form: FormStream, upload: Upload, most: int) -> AsyncIterator[bytes]:
    """The file's bytes; its format is judged as soon as there is enough of it, so that nobody sends on in vain."""
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


def _judge(head: bytearray, form: FormStream, upload: Upload) -> SourceFormat:
    return detect_format(bytes(head[:HEAD]), upload.filename, form.fields.get("encoding") or None)


def _too_large(most: int) -> UploadTooLarge:
    return UploadTooLarge(f"A file may have {most} MiB; split it into several.")
