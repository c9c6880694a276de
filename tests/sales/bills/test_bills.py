"""Invoices that are sent to the shop: by whom, with which addresses to call, and paid once."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import Audit, Caller, SignUp, events_of

INVOICES = "/api/v1/invoices"
INVOICE = {"id": "INV-1", "title": "Regale – groß", "customer": "Bookstore", "total": 119.5}
HOOK = "https://www.external.org"


async def send(
    client: httpx.AsyncClient, sender: Caller, url: str | None = None, **fields: Any
) -> httpx.Response:
    query = {} if url is None else {"callback_url": url}
    return await client.post(INVOICES, params=query, json={**INVOICE, **fields}, headers=sender.headers)


async def read(
    client: httpx.AsyncClient, caller: Caller, number: str = "INV-1", **query: int
) -> dict[str, Any]:
    answer = await client.get(f"{INVOICES}/{number}", params=query, headers=caller.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_invoice_is_received_and_read_by_its_sender_and_staff(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    answer = await send(client, seller, HOOK)
    assert (answer.status_code, answer.json()) == (201, {"msg": "Invoice received"})
    assert answer.headers["location"] == f"{INVOICES}/INV-1"

    for caller in (seller, moderator):
        invoice = await read(client, caller)
        assert {name: invoice[name] for name in INVOICE} == INVOICE
        assert (invoice["sender_id"], invoice["currency"], invoice["is_paid"]) == (seller.id, "EUR", False)
        assert invoice["callback"]["url"] == f"{HOOK}/invoices/INV-1"
        assert (invoice["callback"]["state"], invoice["callback"]["tries"]) == ("pending", 0)
    stranger = await sign_up()
    for query in ({}, {"sender_id": seller.id}):
        refused = await client.get(f"{INVOICES}/INV-1", params=query, headers=stranger.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "bill-not-found")


async def test_title_and_callback_may_be_left_out(client: httpx.AsyncClient, seller: Caller) -> None:
    body = {"id": "7", "customer": "Bookstore", "total": 0}
    assert (await client.post(INVOICES, json=body, headers=seller.headers)).status_code == 201
    invoice = await read(client, seller, "7")
    assert (invoice["title"], invoice["callback"]) == (None, None)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": ""},
        {"id": "../admin"},
        {"id": "a/b"},
        {"id": ".."},
        {"id": "a b"},
        {"id": "é"},
        {"id": "x" * 101},
        {"id": 7},
        {"total": -1},
        {"total": 1.005},
        {"total": "1"},
        {"total": 1e20},
        {"total": None},
        {"customer": " "},
        {"customer": "x" * 201},
        {"title": "a\nb"},
        {"title": "\x00"},
        {"paid": True},
    ],
    ids=str,
)
async def test_an_invoice_that_is_none_is_refused(
    client: httpx.AsyncClient, seller: Caller, fields: dict[str, Any]
) -> None:
    assert (await send(client, seller, **fields)).status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "http://www.external.org",
        "https://127.0.0.1",
        "https://2130706433",
        "https://0x7f.1",
        "https://[::1]",
        "https://www.external.org:8443",
        "https://user:secret@www.external.org",
        "https://www.external.org/?a=b",
        "https://www.external.org/#a",
        "ftp://www.external.org",
        "//www.external.org",
        "www.external.org",
        "https://",
        "https://" + "a" * 2040 + ".org",
        "https://exa mple.org",
    ],
)
async def test_an_address_that_may_not_be_called_is_refused_by_name(
    client: httpx.AsyncClient, seller: Caller, url: str
) -> None:
    refused = await send(client, seller, url)
    assert (refused.status_code, refused.json()["code"]) == (422, "callback-refused")
    [error] = refused.json()["errors"]
    assert error["field"] == "callback_url"
    assert (await client.get(INVOICES, headers=seller.headers)).json()["total"] == 0


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://www.external.org/", "https://www.external.org/invoices/INV-1"),
        ("https://WWW.External.org/a/b", "https://www.external.org/a/b/invoices/INV-1"),
        ("https://bücher.example", "https://xn--bcher-kva.example/invoices/INV-1"),
    ],
)
async def test_what_is_called_lies_below_the_address(
    client: httpx.AsyncClient, seller: Caller, url: str, called: str
) -> None:
    assert (await send(client, seller, url)).status_code == 201
    assert (await read(client, seller))["callback"]["url"] == called


async def test_unknown_and_empty_parameters_are_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    for query in ({"callback": HOOK}, {"callback_url": ""}):
        refused = await client.post(INVOICES, params=query, json=INVOICE, headers=seller.headers)
        assert refused.json()["code"] == "validation", query


async def test_a_sender_s_ids_are_its_own_and_used_once(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    other = await sign_up()
    assert (await send(client, seller)).status_code == 201
    again = await send(client, seller, title="Another")
    assert (again.status_code, again.json()["code"]) == (409, "bill-exists")
    assert again.json()["errors"][0]["field"] == "id"
    assert (await send(client, other, title="Other")).status_code == 201

    assert (await read(client, other))["title"] == "Other"
    ambiguous = await client.get(f"{INVOICES}/INV-1", headers=moderator.headers)
    assert (ambiguous.status_code, ambiguous.json()["code"]) == (409, "bill-ambiguous")
    assert (await read(client, moderator, sender_id=seller.id))["title"] == INVOICE["title"]
    payment = f"{INVOICES}/INV-1/payment"
    unclear = await client.post(payment, headers=moderator.headers)
    assert unclear.json()["code"] == "bill-ambiguous"
    paid = await client.post(payment, params={"sender_id": other.id}, headers=moderator.headers)
    assert (paid.json()["title"], paid.json()["is_paid"]) == ("Other", True)
    assert not (await read(client, seller))["is_paid"]


async def test_the_same_key_sends_one_invoice(client: httpx.AsyncClient, seller: Caller) -> None:
    headers = {**seller.headers, "Idempotency-Key": "once"}
    first = await client.post(INVOICES, json=INVOICE, headers=headers)
    second = await client.post(INVOICES, json=INVOICE, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["idempotent-replayed"] == "true"
    changed = await client.post(INVOICES, json={**INVOICE, "total": 1}, headers=headers)
    assert changed.json()["code"] == "idempotency-key-reused"


async def test_an_invoice_is_paid_once_by_staff_and_audited(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller, moderator: Caller, audit: Audit
) -> None:
    await send(client, seller, HOOK)
    payment = f"{INVOICES}/INV-1/payment"
    refused = await client.post(payment, headers=seller.headers)
    assert refused.json()["code"] == "insufficient-scope"

    paid = await client.post(payment, headers=moderator.headers)
    assert (paid.status_code, paid.json()["is_paid"], paid.json()["version"]) == (200, True, 2)
    assert paid.json()["paid_at"] is not None
    again = await client.post(payment, headers=moderator.headers)
    assert (again.status_code, again.json()["code"]) == (409, "bill-paid-already")
    unknown = await client.post(f"{INVOICES}/INV-2/payment", headers=moderator.headers)
    assert unknown.status_code == 404

    [entry] = await audit(action="bill.paid")
    assert (entry["actor_id"], entry["changes"]) == (moderator.id, {"is_paid": [False, True]})
    [event] = await events_of(session, "bill.paid")
    assert event == {"bill_id": int(entry["target_id"])}


async def test_the_list_shows_one_s_own_and_all_to_staff(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    other = await sign_up()
    for number in range(3):
        await send(client, seller, id=f"S-{number}")
    await send(client, other, id="O-1")
    await client.post(f"{INVOICES}/S-1/payment", headers=moderator.headers)

    async def ids(caller: Caller, **query: Any) -> list[str]:
        answer = await client.get(INVOICES, params=query, headers=caller.headers)
        assert answer.status_code == 200, answer.text
        return [invoice["id"] for invoice in answer.json()["items"]]

    assert await ids(seller) == ["S-2", "S-1", "S-0"]
    assert await ids(seller, is_paid=True) == ["S-1"]
    assert await ids(seller, is_paid=False, limit=1) == ["S-2"]
    assert await ids(seller, sender_id=other.id) == []
    assert await ids(moderator) == ["O-1", "S-2", "S-1", "S-0"]
    assert await ids(moderator, sender_id=other.id) == ["O-1"]


async def test_the_document_tells_what_is_called_and_how_to_answer(app: FastAPI) -> None:
    document = app.openapi()
    operation = document["paths"][INVOICES]["post"]
    [paths] = operation["callbacks"].values()
    called = paths["{$callback_url}/invoices/{$request.body.id}"]["post"]
    schemas = document["components"]["schemas"]

    def properties(content: dict[str, Any]) -> set[str]:
        name = content["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert "examples" in next(iter(schemas[name]["properties"].values()))
        return set(schemas[name]["properties"])

    assert properties(called["requestBody"]) == {"description", "paid"}
    assert list(called["responses"]) == ["200"]
    assert properties(called["responses"]["200"]) == {"ok"}
    assert called["operationId"] == "tell_invoice_paid"
    assert properties(operation["requestBody"]) == {"id", "title", "customer", "total"}
    assert "HTTPValidationError" not in str(called)
