"""The document lists what is sent: a schema and an example for each event, as it really comes."""

import json
from typing import Any

import jsonschema_rs
from fastapi import FastAPI

from app.messaging.public_events import PUBLIC_EVENTS
from tests.factories import a_book

from .conftest import Shop, messages


def schema_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    operation = document["webhooks"][name]["post"]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    found: dict[str, Any] = document["components"]["schemas"][reference.rpartition("/")[2]]
    return {**found, "components": document["components"]}


async def test_every_event_of_the_catalogue_has_a_schema_of_its_own_and_an_example(app: FastAPI) -> None:
    document = app.openapi()
    assert document["webhooks"].keys() == {*PUBLIC_EVENTS, "thin"}
    for name, event in PUBLIC_EVENTS.items():
        schema = schema_of(document, name)
        [example] = schema["examples"]
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=False)
        assert [error.message for error in validator.iter_errors(example)] == [], name
        assert (example["type"], example["version"]) == (name, event.version)
        assert not validator.is_valid({**example, "type": "another"}), name
        assert not validator.is_valid({**example, "data": {}}), name
        headers = {one["name"] for one in document["webhooks"][name]["post"]["parameters"]}
        assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}
    names = [item["post"]["operationId"] for item in document["webhooks"].values()]
    names += [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))


async def test_new_subscriptions_are_described_as_integrators_know_them(app: FastAPI) -> None:
    schema = schema_of(app.openapi(), "new-subscription")
    [example] = schema["examples"]
    assert example["data"].keys() == {"username", "monthly_fee", "start_date"}


async def test_what_comes_is_what_the_document_says(shop: Shop, app: FastAPI) -> None:
    owner = await shop.sign_up()
    await shop.register(owner, "/full", payload="full")
    await shop.register(owner, "/thin")
    async with shop.running_worker():
        book = await a_book(shop.client, owner, price=10, quantity=2)
        path = f"/api/v1/books/{book['id']}"
        for change in ({"price": 8}, {"quantity": 0}, {"quantity": 1}, {"is_active": False}):
            assert (await shop.client.patch(path, json=change, headers=owner.headers)).is_success
        await shop.all_sent()
    document = app.openapi()
    seen = set()
    for message in messages(shop.receiver, "/full"):
        told = json.loads(message.body)
        seen.add(told["type"])
        validator = jsonschema_rs.Draft202012Validator(schema_of(document, told["type"]))
        assert [error.message for error in validator.iter_errors(told)] == [], told
    assert seen >= {"item.created", "item.price_changed", "stock.out", "stock.back", "item.deleted"}
    thin = jsonschema_rs.Draft202012Validator(schema_of(document, "thin"))
    assert all(thin.is_valid(json.loads(one.body)) for one in messages(shop.receiver, "/thin"))
