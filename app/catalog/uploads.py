"""What every upload has in common: how its form is documented, how a field is refused, what its file is called."""

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError


def documented(forms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The request body for the documentation, by media type: FastAPI would read a form before it asks who calls."""
    content = {media_type: {"schema": schema} for media_type, schema in forms.items()}
    return {"requestBody": {"required": True, "content": content}}


def refused_field(field: str, kind: str, message: str) -> RequestValidationError:
    """The 422 of one field of a form."""
    return RequestValidationError([{"loc": ("body", field), "type": kind, "msg": message, "input": None}])


def refused_body(fault: ValidationError) -> RequestValidationError:
    """The 422 of a body that a model did not take."""
    return RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in fault.errors()])


def plain_name(filename: str, longest: int) -> str:
    """The file's name as it can be told back: without folders and controls, of so many characters at the most."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(character for character in last if character.isprintable())[:longest]
