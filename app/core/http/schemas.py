"""The base of request and answer models, and the field types that every domain shares."""

import re
import unicodedata
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    PlainSerializer,
)
from pydantic_core import CoreSchema, PydanticCustomError, PydanticKnownError, core_schema

from app.core.clock import start_of_day
from app.core.currencies import shop_amount

_ALLOWED_CONTROLS = frozenset("\n\r\t")
LARGEST_ID = 2**63 - 1


def _with_example(schema: dict[str, Any], model: "type[RequestModel]") -> None:
    if model.EXAMPLE is not None:
        schema["examples"] = [model.EXAMPLE]


_KINDS: Mapping[str, tuple[Any, tuple[type, ...]]] = {
    "int": ("int_type", (int, float, Decimal)),
    "float": ("float_type", (int, float, Decimal)),
    "decimal": ("decimal_type", (int, float, Decimal)),
    "bool": ("bool_type", (bool,)),
    "date": ("date_type", (str, date)),
    "datetime": ("datetime_type", (str, datetime)),
}
"""What is asked for → the error that tells it, and what JSON (or the code of ours) says it with.

Pydantic's own strict mode is no way to this: on values that were JSON once it refuses dates and enums as well.
"""


_DAY = r"\d{4}-\d{2}-\d{2}"
_FORMS = {
    "date_type": re.compile(_DAY, re.ASCII),
    "datetime_type": re.compile(f"{_DAY}.*", re.ASCII | re.DOTALL),
}
"""What the texts look like; others, of digits alone, Pydantic would read as seconds since 1970."""


def _refuse_another_kind(value: object, *, kind: Any, types: tuple[type, ...]) -> object:
    # To Python a boolean is an integer.
    is_right = isinstance(value, types) and (bool in types or not isinstance(value, bool))
    if not is_right or (isinstance(value, str) and _FORMS[kind].fullmatch(value.strip()) is None):
        raise PydanticKnownError(kind)
    return value


def _strict(schema: Any) -> Any:
    """The same core schema with a look at the kind of each number, boolean, date and moment in it."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("type")
    if not isinstance(name, str):
        # Schemas by the names of their fields, one of which may well be called `type`.
        return {field: _strict(part) for field, part in schema.items()}
    inner = {
        key: part if key in {"metadata", "serialization"} else _strict(part) for key, part in schema.items()
    }
    if name not in _KINDS:
        return inner
    kind, types = _KINDS[name]
    return core_schema.no_info_before_validator_function(
        partial(_refuse_another_kind, kind=kind, types=types), inner
    )


class FormModel(BaseModel):
    """The fields of a form, every one of which comes as text; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class RequestModel(BaseModel):
    """A request body: unknown fields are refused, so that a typo is never silently ignored.

    JSON's types are taken at their word: `"3"` and `true` are no numbers, `1` is no boolean and no date.
    """

    EXAMPLE: ClassVar[dict[str, Any] | None] = None
    """A whole body for the documentation, where the examples of all fields together would be refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, json_schema_extra=_with_example)

    @property
    def fields_to_set(self) -> AbstractSet[str]:
        """What a write of it sets: every field, of a patch those that were sent."""
        return type(self).model_fields.keys()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Build the model's validation, with JSON's types taken at their word (a hook of Pydantic's)."""
        strict: CoreSchema = _strict(handler(source))
        return strict


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
    """An answer body, read from rows and entities. Every field is sent, with a default or not."""

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


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


def _day_as_moment(value: object) -> object:
    if not isinstance(value, str) or _FORMS["date_type"].fullmatch(value.strip()) is None:
        return value
    try:
        return start_of_day(date.fromisoformat(value.strip()))
    except ValueError:
        return value


Text = Annotated[str, AfterValidator(_without_controls)]
VisibleText = Annotated[Text, Field(min_length=1), AfterValidator(_visible)]
Line = Annotated[str, AfterValidator(_single_line)]
VisibleLine = Annotated[str, Field(min_length=1), AfterValidator(_single_line), AfterValidator(_visible)]
SingleSpaced = AfterValidator(lambda text: " ".join(text.split()))
"""For names: however many spaces stand between two words, they are one."""
Moment = Annotated[AwareDatetime, BeforeValidator(_day_as_moment), AfterValidator(_as_utc)]
"""With its zone (RFC 3339); a plain date is the start of that day where the shop is."""
Timestamp = AwareDatetime
"""A moment of an answer, as the database has it: in UTC."""
RowId = Annotated[int, Field(ge=1, le=LARGEST_ID)]

Money = Annotated[
    Decimal,
    Field(max_digits=12, decimal_places=2, allow_inf_nan=False),
    PlainSerializer(float, return_type=float, when_used="json"),
]
"""`NUMERIC(12,2)`: Decimal inside, a JSON number with at most two decimals outside."""

OF_SHOP = AfterValidator(shop_amount)
"""For money that somebody sets in the shop's currency, last of all: 1,250 yen have no decimals."""

Price = Annotated[Money, Field(gt=0)]
