"""Files in the body of a request: how their form is documented, read and refused.

FastAPI would read a form before it asks who calls, so routes that take files read the body themselves:
with `read_form` where the files are small and may lie in nameless temporary files until all have come,
with `FormStream` where one large file is to be stored while it arrives.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect

from app.core.errors import AppError

MULTIPART = "multipart/form-data"
_LONGEST_FIELD = 65_536
_MOST_FIELDS = 20
_WRONG = "value_error"


class NotAnUpload(AppError):
    """A file comes as multipart/form-data."""

    status = 415
    code = "not-an-upload"
    title = "Send the file as a form"


class UploadInterrupted(AppError):
    """The body ended before the file did."""

    status = 400
    code = "upload-interrupted"
    title = "Upload interrupted"


class UploadTooLarge(AppError):
    """A file may be as large as its operation says."""

    status = 413
    code = "upload-too-large"
    title = "The file is too large"


def form_body(forms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Describe the request body for the documentation, by media type."""
    content = {media_type: {"schema": schema} for media_type, schema in forms.items()}
    return {"requestBody": {"required": True, "content": content}}


def refused_field(field: str, kind: str, message: str) -> RequestValidationError:
    """The 422 of one field of a form."""
    return RequestValidationError([{"loc": ("body", field), "type": kind, "msg": message, "input": None}])


def refused_body(fault: ValidationError) -> RequestValidationError:
    """The 422 of a body that a model did not take."""
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in fault.errors()])


def plain_name(filename: str, longest: int) -> str:
    """The file's name as answers may show it: without folders and controls, of at most so many characters."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:longest]


def media_type(request: Request) -> str:
    """What the body says that it is, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@asynccontextmanager
async def read_form(request: Request, *, files: int, fields: int) -> AsyncIterator[FormData]:
    """Read a form of at most so many files and fields whole. Raises NotAnUpload, UploadInterrupted."""
    if media_type(request) != MULTIPART:
        raise NotAnUpload("Send the body as multipart/form-data.")
    try:
        form = await request.form(max_files=files, max_fields=fields)
    except ClientDisconnect:
        raise UploadInterrupted("The body ended early.") from None
    try:
        yield form
    finally:
        await form.close()


class FormStream:
    """A form with one file, read while it arrives: its fields are kept, the file's bytes pass by.

    In this order: `open`, `pieces` to their end, `close`; then `fields` has all. The parser calls back for
    each part of what it is fed: a part's headers, one name and value at a time, then its data in pieces.
    """

    def __init__(self, request: Request, field: str) -> None:
        self.fields: dict[str, str] = {}
        self.filename = ""
        self._field = field
        self._stream = request.stream()
        self._has_file = False
        self._is_in_file = self._is_file_over = False
        self._pieces: list[bytes] = []
        self._value = bytearray()
        self._header_name, self._header_value = bytearray(), bytearray()
        self._disposition = b""
        self._name = ""
        callbacks: Any = {
            "on_header_field": lambda data, start, end: self._header_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header_value.extend(data[start:end]),
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
        }
        self._parser = MultipartParser(_boundary(request, field), callbacks)

    async def open(self) -> None:
        """Read up to the file, whose `filename` and the `fields` before it are known then.

        Raises UploadInterrupted, and RequestValidationError for what is no such form.
        """
        while not self._has_file:
            if not await self._read_on():
                raise refused_field(self._field, "missing", "Field required")

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the file's bytes as they arrive. Raises UploadInterrupted, RequestValidationError."""
        while True:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                yield piece
            if self._is_file_over:
                return
            if not await self._read_on():
                raise UploadInterrupted("The body ended before the file did.")

    async def close(self) -> None:
        """Read what follows the file. Raises UploadInterrupted, RequestValidationError."""
        while await self._read_on():
            pass

    async def _read_on(self) -> bool:
        """Take one more piece of the body, if one comes."""
        try:
            body = await anext(self._stream, None)
        except ClientDisconnect as gone:
            raise UploadInterrupted("The body ended early.") from gone
        if body is None:
            return False
        try:
            self._parser.write(body)
        except FormParserError as fault:
            raise refused_field("body", _WRONG, f"the form cannot be read: {fault}") from fault
        return True

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = b""
        self._value.clear()
        self._name = options.get(b"name", b"").decode(errors="replace")
        self._is_in_file = b"filename" in options
        if not self._is_in_file:
            if len(self.fields) >= _MOST_FIELDS:
                raise refused_field("body", _WRONG, f"has more than {_MOST_FIELDS} fields")
            return
        if self._name != self._field or self._has_file:
            raise refused_field(self._name, _WRONG, f"send one file, in the form field {self._field!r}")
        self._has_file = True
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
            self._is_file_over = True
            return
        try:
            self.fields[self._name] = self._value.decode()
        except UnicodeDecodeError:
            raise refused_field(self._name, _WRONG, "is not UTF-8") from None


def _boundary(request: Request, field: str) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind.lower() != MULTIPART.encode():
        raise NotAnUpload(f"Send the file as multipart/form-data, in the form field {field!r}.")
    if b"boundary" not in options:
        raise refused_field("body", _WRONG, "the content type names no boundary")
    return options[b"boundary"]
