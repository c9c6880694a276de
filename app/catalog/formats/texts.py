"""Text and numbers checked by the rules of the API's own fields, with a short way for what is plainly right."""

import re
import unicodedata
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from app.catalog.books.fields import FieldValue

T = TypeVar("T")

_LINE_BREAKS = re.compile(r"[\r\n\t]+")
_WITHOUT_BREAKS = str.maketrans("", "", "\n\r\t")
_LENGTHS = frozenset({"string_too_long", "too_long"})


class FieldRefused(ValueError):
    """A value that the field does not take; `type` names the rule as a problem's `errors[].type` does."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.type = kind


class FieldCut(FieldRefused):
    """A value of which the field takes a part, which is `kept`."""

    def __init__(self, kept: FieldValue, message: str, kind: str) -> None:
        super().__init__(message, kind)
        self.kept = kept


class TextRule:
    """Text of one field of the API: NFC, no control characters, visible, not too long. Raises FieldRefused.

    In a field of one line, a line break within a cell counts as a space.
    """

    def __init__(self, adapter: TypeAdapter[str], *, is_single_line: bool = True) -> None:
        self._adapter = adapter
        self._is_single_line = is_single_line
        self._longest: int = adapter.json_schema()["maxLength"]

    def __call__(self, text: str) -> str:
        """The text as the catalogue keeps it."""
        if len(text) <= self._longest and text[:1] > " ":
            shown = text if self._is_single_line else text.translate(_WITHOUT_BREAKS)
            if shown.isprintable():
                return text if text.isascii() else unicodedata.normalize("NFC", text)
        if self._is_single_line:
            text = " ".join(filter(None, map(str.strip, _LINE_BREAKS.split(text))))
        return checked(self._adapter, text.strip())


def checked(adapter: TypeAdapter[T], value: object) -> T:
    """The value as the field of the API takes it. Raises FieldRefused."""
    try:
        return adapter.validate_python(value)
    except ValidationError as refusal:
        error = refusal.errors(include_url=False)[0]
        message = str(error["msg"]).removeprefix("Value error, ")
        if error["type"] in _LENGTHS and isinstance(error["input"], str):
            # Pydantic counts "items after validation" where a constraint follows a validator of ours.
            message = f"must have at most {error['ctx']['max_length']} characters"
        kind = "control-characters" if "control characters" in message else error["type"]
        raise FieldRefused(message, kind) from None
