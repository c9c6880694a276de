"""The part of the OpenAPI document about what the shop sends by itself: `webhooks`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

_REF = "#/components/schemas/"
_HEADERS = {
    "webhook-id": (
        "Names the message, in every try: what has been seen is answered 2xx and forgotten.",
        "evt_1204",
    ),
    "webhook-timestamp": ("When this try was made, in seconds since 1970.", "1777975200"),
    "webhook-signature": (
        "Signatures of `id.timestamp.body`, with a space between: `v1,` HMAC-SHA256, `v1a,` ed25519; in base64.",
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
}


class Told(NamedTuple):
    """What is sent of one event: its model, and one that never happened."""

    summary: str
    description: str
    model: type[BaseModel]
    example: BaseModel


def add_webhooks(spec: dict[str, Any], told: Mapping[str, Told]) -> None:
    """Describe what is sent, by the event's name, with a schema and an example for each."""
    schemas = spec["components"]["schemas"]
    models = [(each.model, "serialization") for each in told.values()]
    _, defined = models_json_schema(models, ref_template=_REF + "{model}")  # type: ignore[arg-type]  # a list is invariant
    for name, schema in defined["$defs"].items():
        schemas.setdefault(name, schema)
    for each in told.values():
        schemas[each.model.__name__]["examples"] = [each.example.model_dump(mode="json")]
    spec["webhooks"] = {name: {"post": _operation(name, each)} for name, each in told.items()}


def _operation(name: str, told: Told) -> dict[str, Any]:
    return {
        "operationId": f"send_{name.replace('.', '_').replace('-', '_')}",
        "summary": told.summary,
        "description": told.description,
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {
                "name": header,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string", "examples": [example]},
            }
            for header, (text, example) in _HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF + told.model.__name__}}},
        },
        "responses": {
            "2XX": {
                "description": "You have it. Anything else, and no answer within 15 seconds, is tried again."
            },
            "410": {"description": "Send nothing here any more: the webhook is switched off."},
        },
    }
