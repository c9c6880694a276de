"""The base of request and answer models, and the field types that every domain shares."""

import re
import unicodedata
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic_core import PydanticCustomError

_ALLOWED_CONTROLS = frozenset("\n\r\t")
LARGEST_ID = 2**63 - 1


def _with_example(schema: dict[str, Any], model: "type[RequestModel]") -> None:
    if model.EXAMPLE is not None:
        schema["examples"] = [model.EXAMPLE]


class RequestModel(BaseModel):
    """A request body: unknown fields are refused, so that a typo is never silently ignored."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = None
    """A whole body for the documentation, where the examples of all fields together would be refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, json_schema_extra=_with_example)

    @property
    def fields_to_set(self) -> AbstractSet[str]:
        """What a write of it sets: every field, of a patch those that were sent."""
        return type(self).model_fields.keys()


def _as_patch(schema: dict[str, Any], model: "type[RequestModel]") -> None:
    _with_example(schema, model)
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


OMITTED: Any = None
"""Default of a patch field that refuses null: left out, the field stays as it is."""


class PatchModel(RequestModel):
    """A partial change: only what is sent counts. A field typed without None refuses null."""

    model_config = ConfigDict(json_schema_extra=_as_patch)

    @property
    def fields_to_set(self) -> AbstractSet[str]:
        """Only what was sent."""
        return self.model_fields_set

    def sent(self) -> dict[str, Any]:
        """The fields that the client sent, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class ResponseModel(BaseModel):
    """An answer body, read from rows and entities."""

    model_config = ConfigDict(from_attributes=True)


def _without_controls(text: str) -> str:
    """NFC text; NUL, control and unpaired surrogate characters are refused (PostgreSQL text cannot hold NUL)."""
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs" or (category == "Cc" and character not in _ALLOWED_CONTROLS):
            raise ValueError("must not contain control characters")
    return unicodedata.normalize("NFC", text)


def _single_line(text: str) -> str:
    if any(character in _ALLOWED_CONTROLS for character in text):
        raise ValueError("must be a single line")
    return _without_controls(text)


def _visible(text: str) -> str:
    if not any(unicodedata.category(character)[0] not in "CZ" for character in text):
        raise ValueError("must not be blank")
    return text


def shaped(pattern: str, hint: str) -> tuple[Any, ...]:
    """Metadata of a text of this form; the error for any other text gives the hint, not the pattern."""
    form = re.compile(pattern)

    def check(text: str) -> str:
        if form.fullmatch(text) is None:
            raise PydanticCustomError("string_pattern_mismatch", "{hint}", {"hint": hint})
        return text

    return AfterValidator(check), Field(json_schema_extra={"pattern": pattern})


_INFINITY = datetime.max.replace(tzinfo=UTC)
"""What the database driver writes as infinity, and reads back without a zone."""


def _as_utc(moment: datetime) -> datetime:
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None
    if moment == _INFINITY:
        raise ValueError("must lie before the last microsecond of the year 9999")
    return moment


Text = Annotated[str, AfterValidator(_without_controls)]
Line = Annotated[str, AfterValidator(_single_line)]
VisibleLine = Annotated[str, Field(min_length=1), AfterValidator(_single_line), AfterValidator(_visible)]
SingleSpaced = AfterValidator(lambda text: " ".join(text.split()))
"""For names: however many spaces stand between two words, they are one."""
Moment = Annotated[AwareDatetime, AfterValidator(_as_utc)]
RowId = Annotated[int, Field(ge=1, le=LARGEST_ID)]

Money = Annotated[
    Decimal,
    Field(max_digits=12, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""`NUMERIC(12,2)`: Decimal inside, a JSON number with at most two decimals outside."""

Price = Annotated[Money, Field(gt=0)]
