"""What the documentation shows as a request body can be sent as it is."""

from typing import Any

import httpx
from fastapi import FastAPI

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp

API = "/api/v1"
PLACEHOLDERS = {"string": "string", "integer": 0, "number": 0, "boolean": True}
CREATING = {
    "book_id": f"{API}/books",
    "item_id": f"{API}/items",
    "author_id": f"{API}/authors",
    "category": f"{API}/categories",
    "synonym_id": f"{API}/admin/search/synonyms",
    "discount_id": f"{API}/discounts",
    "address_id": f"{API}/users/me/addresses",
    "method_id": f"{API}/admin/shipping-methods",
    "rate_id": f"{API}/admin/tax-rates",
    "card_id": f"{API}/gift-cards",
    "count_id": f"{API}/inventory/counts",
    "webhook_id": f"{API}/webhooks",
}
NEEDING_ANOTHER = {
    "invalid-one-time-token",
    "item-not-found",
    "code-not-found",
    "cart-empty",
    "cart-line-not-found",
    "order-not-found",
    "coupon-not-valid",
    "unknown-gift-card",
    "unknown-item",
    "unknown-merge-target",
    "unknown-upload",
    "dead-letter-not-found",
}
"""Refusals of examples that name something else by its id, which a fresh shop does not have."""


def shown(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """The body that documentation pages make of a schema: whole examples first, then those of the fields."""
    if "$ref" in schema:
        return shown(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    given = [*schema.get("examples", ()), *schema.get("enum", ())]
    given += [schema["default"]] if "default" in schema else []
    if given:
        return given[0]
    if "anyOf" in schema:
        return shown(schema["anyOf"][0], schemas)
    if schema["type"] == "object":
        return {name: shown(field, schemas) for name, field in schema["properties"].items()}
    if schema["type"] == "array":
        return [shown(schema["items"], schemas)]
    return PLACEHOLDERS[schema["type"]]


def catalogue_bodies(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Method and path of the catalogue's operations that take JSON, with the body that is shown."""
    schemas = document["components"]["schemas"]
    return {
        (method, path): shown(content["schema"], schemas)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if media_type == "application/json" and not is_of_people(path)
    }


def is_of_people(path: str) -> bool:
    """Of accounts and orders: their bodies are sent where they are tested; those of addresses here."""
    if path.startswith(f"{API}/users/me/addresses"):
        return False
    theirs = ("users", "auth/", "api-keys", "admin/users", "orders/", "mail/", "payments/", "returns/")
    return path.startswith(tuple(f"{API}/{part}" for part in theirs))


async def make_what_paths_name(
    client: httpx.AsyncClient, staff: Caller, bodies: dict[tuple[str, str], Any]
) -> dict[str, int]:
    ids: dict[str, int] = {}
    for name, path in CREATING.items():
        headers = {**staff.headers, "Idempotency-Key": path}
        answer = await client.post(path, json=bodies["post", path], headers=headers)
        assert answer.status_code == 201, (path, bodies["post", path], answer.text)
        ids[name] = answer.json()["id"]
    book = (await client.get(f"{API}/books/{ids['book_id']}")).json()
    plans = f"{API}/items/{{item_id}}/price-schedules"
    plan = await client.post(plans.format_map(ids), json=bodies["post", plans], headers=staff.headers)
    assert plan.status_code == 201, plan.text
    bundle = {"name": "Set", "price": 5, "items": [{"item_id": ids["item_id"]}]}
    offer = await client.post(f"{API}/offers", json=bundle, headers=staff.headers)
    assert offer.status_code == 201, offer.text
    return {
        **ids,
        "offer_id": offer.json()["id"],
        "series_id": book["series_id"],
        "work_id": book["work_id"],
        "schedule_id": plan.json()["id"],
        "n": 1,
        "event_id": 1,
    }


async def test_every_body_that_the_documentation_shows_can_be_sent(
    app: FastAPI, client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    staff = await sign_up(Role.SUPER_ADMIN)
    bodies = catalogue_bodies(app.openapi())
    ids = await make_what_paths_name(client, staff, bodies)
    assert {method for method, _ in bodies} == {"post", "put", "patch"}
    for (method, path), body in bodies.items():
        if path in CREATING.values() or path.endswith("/price-schedules"):
            continue
        # What moves stock or money asks for a key, other POSTs take one.
        headers = {**staff.headers, **({"Idempotency-Key": path} if method == "post" else {})}
        answer = await client.request(method, path.format_map(ids), json=body, headers=headers)
        refusal = answer.json().get("code")
        assert answer.is_success or refusal in NEEDING_ANOTHER, (method, path, body, answer.text)


async def test_forms_show_no_value_for_what_may_be_left_out(app: FastAPI) -> None:
    # A page that shows the form sends what it shows, such as a mapping of columns that the file has not.
    for path, operations in app.openapi()["paths"].items():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {})
            schema = content.get("multipart/form-data", {}).get("schema", {})
            for name, field in schema.get("properties", {}).items():
                assert name in schema["required"] or "examples" not in field, (path, name)
