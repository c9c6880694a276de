"""The `fields` that a client asks to see of an item or a book."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from app.catalog.goods.schemas import OwnItem
from app.core.db.paging import Page
from app.core.db.sorting import SplitKeys
from app.core.http.schemas import ResponseModel

_ENVELOPE = Page.model_fields.keys() - {"items"}
FIELDS_DESCRIPTION = (
    "Comma-separated fields to show; all without. The id is always there, the rest is then left out."
)


def known_fields(model: type[ResponseModel], what: str) -> AfterValidator:
    """Refuse names that no field of the model has."""

    def check(names: list[str] | None) -> list[str] | None:
        for name in names or ():
            if name not in model.model_fields:
                known = ", ".join(model.model_fields)
                raise ValueError(f"{name!r} is no field of {what}; known are {known}")
        return names

    return AfterValidator(check)


ItemFields = Annotated[
    list[str] | None,
    BeforeValidator(SplitKeys.func),
    known_fields(OwnItem, "an item"),
    Field(description=FIELDS_DESCRIPTION),
]


class ItemViewQuery(BaseModel):
    """What a client asks to see of one item."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    fields: ItemFields = None


FIELDS_PARAMETER = {
    "name": "fields",
    "in": "query",
    "required": False,
    "schema": {"type": "string", "examples": ["title,price"]},
    "description": FIELDS_DESCRIPTION,
}
ITEM_VIEW_PARAMETERS = {"parameters": [FIELDS_PARAMETER]}
"""For the document: the query is not declared, since a declared one is parsed also where there is none."""


def parts_of_one(fields: Sequence[str] | None) -> Any:
    """The parts of an answer to send, as Pydantic names them: the fields and the id; None for all."""
    return None if fields is None else {"id", *fields}


def parts_of_page(parts: Any) -> Any:
    """The same of a page of such answers."""
    return None if parts is None else {**dict.fromkeys(_ENVELOPE, True), "items": {"__all__": parts}}


def only_the_id_is_sure(schema: dict[str, Any]) -> None:
    """Say in the document of an answer that everything but the id may be left out."""
    schema["required"] = ["id"]


class PartialItem(OwnItem):
    """An item with the `fields` that were asked for."""

    model_config = ConfigDict(json_schema_extra=only_the_id_is_sure)
