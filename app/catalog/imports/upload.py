"""Receives multipart/form-data: fields into memory, the one file into the store while it arrives."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import orjson
from fastapi import Request
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from app.catalog.covers.errors import NotAnUpload, UploadInterrupted
from app.catalog.formats.columns import check_mapping
from app.catalog.formats.decoding import check_encoding
from app.catalog.formats.detection import HEAD, detect_format
from app.catalog.formats.record import SourceFormat
from app.catalog.imports.errors import UploadTooLarge
from app.catalog.imports.schemas import ImportIn
from app.catalog.uploads import plain_name, refused_body, refused_field
from app.core.storage.storage import Storage

FILE = "file"
_LONGEST_FIELD = 65_536
_MOST_FIELDS = 20
_LONGEST_FILENAME = 200
_MIB = 1024 * 1024
_WRONG = "value_error"


@dataclass(slots=True)
class Upload:
    """What came: the form's fields, and of the file its name, size and format by content."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    size: int = 0
    format: SourceFormat = SourceFormat.CSV


class _Form:
    """The parts of a form, fed with pieces of the body."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.is_file_over = False
        self._pieces: list[bytes] = []
        self._value = bytearray()
        self._header = self._disposition = self._disposed = b""
        self._name = ""
        self._is_in_file = False
        callbacks = {
            name: getattr(self, f"_{name}")
            for name in (
                *("on_part_begin", "on_part_data", "on_part_end", "on_header_field", "on_header_value"),
                *("on_header_end", "on_headers_finished"),
            )
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]  # a subset of its callbacks

    def feed(self, body: bytes) -> None:
        """Take a piece of the body; RequestValidationError."""
        try:
            self._parser.write(body)
        except FormParserError as fault:
            raise refused_field("body", _WRONG, f"the form cannot be read: {fault}") from fault

    def take(self) -> list[bytes]:
        """What came of the file since the last call."""
        pieces, self._pieces = self._pieces, []
        return pieces

    def _on_part_begin(self) -> None:
        self._header = self._disposition = self._disposed = b""
        self._value.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._disposition += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposed = self._disposition
        self._header = self._disposition = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposed)
        self._name = options.get(b"name", b"").decode(errors="replace")
        self._is_in_file = b"filename" in options
        if not self._is_in_file:
            if len(self.fields) >= _MOST_FIELDS:
                raise refused_field("body", _WRONG, f"has more than {_MOST_FIELDS} fields")
            return
        if self._name != FILE or self.filename is not None:
            raise refused_field(self._name, _WRONG, f"send one file, in the form field {FILE!r}")
        self.filename = options[b"filename"].decode(errors="replace")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_in_file:
            self._pieces.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > _LONGEST_FIELD:
            raise refused_field(self._name, _WRONG, f"is longer than {_LONGEST_FIELD} bytes")

    def _on_part_end(self) -> None:
        if self._is_in_file:
            self.is_file_over = True
            return
        try:
            self.fields[self._name] = self._value.decode()
        except UnicodeDecodeError:
            raise refused_field(self._name, _WRONG, "is not UTF-8") from None


async def receive(request: Request, storage: Storage, name: str, most: int) -> Upload:
    """Store the form's file under the name, `most` MiB at the most, and tell of the form.

    NotAnUpload, UploadInterrupted, UploadTooLarge, SourceRefused, RequestValidationError: then nothing is stored.
    """
    limit = most * _MIB
    if int(request.headers.get("content-length") or 0) > limit + _MIB:
        raise _too_large(most)
    form, upload = _Form(_boundary(request)), Upload()
    stream = request.stream()
    await _read_on(stream, form)
    if form.filename is None:
        raise refused_field(FILE, "missing", "Field required")
    upload.filename = plain_name(form.filename, _LONGEST_FILENAME)
    await storage.put_stream(name, _content(stream, form, upload, most))
    try:
        await _read_on(stream, form, until_file=False)
    except BaseException:
        await storage.delete([name])
        raise
    upload.fields = form.fields
    return upload


async def _content(
    stream: AsyncIterator[bytes], form: _Form, upload: Upload, most: int
) -> AsyncIterator[bytes]:
    """The file's bytes; its format is judged as soon as there is enough of it, so that nobody sends on in vain."""
    head, is_judged = bytearray(), False
    while True:
        for piece in form.take():
            upload.size += len(piece)
            if upload.size > most * _MIB:
                raise _too_large(most)
            if not is_judged:
                head += piece
            yield piece
        is_over = form.is_file_over
        if not is_judged and (is_over or len(head) >= HEAD):
            encoding = form.fields.get("encoding") or None
            upload.format, is_judged = detect_format(bytes(head[:HEAD]), upload.filename, encoding), True
        if is_over:
            return
        body = await _next(stream)
        if body is None:
            raise UploadInterrupted("The body ended before the file did.")
        form.feed(body)


async def _read_on(stream: AsyncIterator[bytes], form: _Form, *, until_file: bool = True) -> None:
    while not (until_file and form.filename is not None):
        body = await _next(stream)
        if body is None:
            return
        form.feed(body)


async def _next(stream: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(stream, None)
    except ClientDisconnect as gone:
        raise UploadInterrupted("The body ended early.") from gone


def _boundary(request: Request) -> bytes:
    media_type, options = parse_options_header(request.headers.get("content-type", ""))
    if media_type.lower() != b"multipart/form-data":
        raise NotAnUpload("Send the file as multipart/form-data, in the form field 'file'.")
    if b"boundary" not in options:
        raise refused_field("body", _WRONG, "the content type names no boundary")
    return options[b"boundary"]


def _too_large(most: int) -> UploadTooLarge:
    return UploadTooLarge(f"A file may have {most} MiB; split it into several.")


async def receive_import(request: Request, name: str) -> tuple[Upload, ImportIn]:
    """The file, stored under the name, and what shall be done with it. Errors of `receive`."""
    storage: Storage = request.app.state.storage.opened
    upload = await receive(request, storage, name, request.app.state.settings.imports.max_size)
    try:
        options = read_options(upload.fields)
        check_mapping(options.mapping)
        if options.encoding is not None:
            check_encoding(options.encoding)
    except Exception:
        await storage.delete([name])
        raise
    return upload, options


def read_options(fields: dict[str, str]) -> ImportIn:
    """The form's fields as a request; RequestValidationError."""
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
