"""Who may register what, and what of it is shown to whom."""

import os
from base64 import b64decode, b64encode, urlsafe_b64encode
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.conftest import PASSWORD, Audit, Caller, SignUp, events_of

WEBHOOKS = "/api/v1/webhooks"
BODY = {"url": "https://hooks.example.com/a?token=1", "events": ["order.*", "stock.back"]}


async def made(client: httpx.AsyncClient, owner: Caller, **fields: object) -> dict[str, Any]:
    answer = await client.post(WEBHOOKS, json={**BODY, **fields}, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_secret_is_shown_once_and_kept_sealed(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    answer = await client.post(WEBHOOKS, json=BODY, headers=seller.headers)
    webhook = answer.json()
    assert answer.headers["location"] == f"{WEBHOOKS}/{webhook['id']}"
    secret = b64decode(webhook["secret"].removeprefix("whsec_"))
    assert 24 <= len(secret) <= 64
    assert len(b64decode(webhook["public_key"].removeprefix("whpk_"))) == 32
    assert (webhook["payload"], webhook["is_enabled"], webhook["failures"]) == ("thin", True, 0)
    read = await client.get(f"{WEBHOOKS}/{webhook['id']}", headers=seller.headers)
    assert "secret" not in read.json()
    assert read.headers["etag"].startswith('"1.')
    kept = await session.scalar(text("SELECT webhook_endpoints::text FROM webhook_endpoints"))
    assert webhook["secret"].removeprefix("whsec_") not in str(kept)


@pytest.mark.parametrize("size", [24, 33, 64])
async def test_a_secret_of_ones_own_is_taken_and_shown_once(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, size: int
) -> None:
    first, second = (f"whsec_{b64encode(os.urandom(size)).decode()}" for _ in range(2))
    webhook = await made(client, seller, secret=first)
    assert webhook["secret"] == first
    path = f"{WEBHOOKS}/{webhook['id']}"
    rotated = await client.post(f"{path}/rotate-secret", json={"secret": second}, headers=seller.headers)
    assert (rotated.status_code, rotated.json()["secret"]) == (201, second)
    assert rotated.json()["public_key"] != webhook["public_key"]
    assert "secret" not in (await client.get(path, headers=seller.headers)).json()
    kept = str(await session.scalar(text("SELECT webhook_endpoints::text FROM webhook_endpoints")))
    assert first.removeprefix("whsec_") not in kept
    assert second.removeprefix("whsec_") not in kept


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "mine",
        "whsec_",
        b64encode(bytes(24)).decode(),
        f"whsec_{b64encode(bytes(23)).decode()}",
        f"whsec_{b64encode(bytes(65)).decode()}",
        f"whsec_{b64encode(bytes(25)).decode().rstrip('=')}",
        f"whsec_{b64encode(bytes(25)).decode()[:-3]}B==",
        f"whsec_{urlsafe_b64encode(bytes([255]) * 24).decode()}",
        "whsec_" + "ä" * 32,
        "whsec_whsec_" + b64encode(bytes(24)).decode(),
        "x" * 5000,
    ],
)
async def test_a_secret_that_is_none_is_refused_by_name_and_not_repeated(
    client: httpx.AsyncClient, seller: Caller, secret: str
) -> None:
    webhook = await made(client, seller)
    for path, body in (
        (WEBHOOKS, {**BODY, "secret": secret}),
        (f"{WEBHOOKS}/{webhook['id']}/rotate-secret", {"secret": secret}),
    ):
        refused = await client.post(path, json=body, headers=seller.headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation")
        assert [one["field"] for one in refused.json()["errors"]] == ["secret"]
        assert not secret or secret not in refused.text.replace("must be whsec_ and", "")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://a:b@hooks.example.com/",
    ],
)
async def test_an_address_that_may_not_be_called_is_refused(
    client: httpx.AsyncClient, seller: Caller, url: str
) -> None:
    refused = await client.post(WEBHOOKS, json={**BODY, "url": url}, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "webhook-url-refused")
    webhook = await made(client, seller)
    refused = await client.patch(f"{WEBHOOKS}/{webhook['id']}", json={"url": url}, headers=seller.headers)
    assert refused.json()["code"] == "webhook-url-refused"


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []},
        {"events": ["order"]},
        {"events": ["order.paid.*"]},
        {"events": ["*.paid"]},
        {"events": ["order.paid\x00"]},
        {"events": "order.*"},
        {"payload": "all"},
        {"description": "x" * 201},
        {"secret": "mine"},
        {"ordered": 1},
    ],
)
async def test_what_is_no_webhook_is_refused(
    client: httpx.AsyncClient, seller: Caller, fields: dict[str, object]
) -> None:
    refused = await client.post(WEBHOOKS, json={**BODY, **fields}, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation")


async def test_what_is_no_filter_of_deliveries_is_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    webhook = await made(client, seller)
    for query in ({"type": "order.paid\x00"}, {"type": "x" * 101}, {"state": "lost"}, {"limit": 0}):
        refused = await client.get(
            f"{WEBHOOKS}/{webhook['id']}/deliveries", params=query, headers=seller.headers
        )
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, next(iter(query)))


async def test_everybodys_events_are_for_who_manages_webhooks(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    wide = {**BODY, "all_accounts": True}
    refused = await client.post(WEBHOOKS, json=wide, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    own = await made(client, seller)
    patched = await client.patch(
        f"{WEBHOOKS}/{own['id']}", json={"all_accounts": True}, headers=seller.headers
    )
    assert patched.status_code == 403
    admin = await sign_up(Role.ADMIN)
    assert (await made(client, admin, all_accounts=True))["all_accounts"] is True


async def test_somebody_elses_webhook_is_not_found_and_staff_sees_and_ends_it(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    webhook = await made(client, seller)
    path = f"{WEBHOOKS}/{webhook['id']}"
    other, admin = await sign_up(), await sign_up(Role.ADMIN)
    for method, at, body in (
        ("GET", path, None),
        ("PATCH", path, {"description": "x"}),
        ("DELETE", path, None),
        ("POST", f"{path}/rotate-secret", None),
        ("POST", f"{path}/test", None),
        ("POST", f"{path}/replay", {"from": "2026-01-01", "to": "2026-01-02"}),
        ("GET", f"{path}/deliveries", None),
        ("GET", f"{path}/deliveries/1", None),
        ("POST", f"{path}/deliveries/1/redeliver", None),
    ):
        refused = await client.request(method, at, json=body, headers=other.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "webhook-not-found"), (method, at)
    listed = await client.get(WEBHOOKS, params={"everybody": True}, headers=other.headers)
    assert listed.status_code == 403
    assert (await client.get(WEBHOOKS, headers=admin.headers)).json()["total"] == 0
    listed = await client.get(WEBHOOKS, params={"everybody": True}, headers=admin.headers)
    assert [one["user_id"] for one in listed.json()["items"]] == [seller.id]
    assert (await client.get(path, headers=admin.headers)).status_code == 200
    assert (await client.patch(path, json={"url": BODY["url"]}, headers=admin.headers)).status_code == 404
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await client.get(path, headers=seller.headers)).status_code == 404


async def test_a_stale_change_is_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    webhook = await made(client, seller)
    path = f"{WEBHOOKS}/{webhook['id']}"
    stale = {**seller.headers, "If-Match": '"1"'}
    changed = await client.patch(path, json={"events": ["*"], "description": "Lager Ü"}, headers=stale)
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert (changed.json()["events"], changed.json()["description"]) == (["*"], "Lager Ü")
    assert (await client.patch(path, json={"events": ["*"]}, headers=stale)).status_code == 412
    assert (await client.delete(path, headers=stale)).status_code == 412


async def test_disabling_and_enabling(client: httpx.AsyncClient, seller: Caller) -> None:
    webhook = await made(client, seller)
    path = f"{WEBHOOKS}/{webhook['id']}"
    off = (await client.patch(path, json={"is_enabled": False}, headers=seller.headers)).json()
    assert (off["is_enabled"], off["disabled_reason"]) == (False, "owner")
    refused = await client.post(f"{path}/test", headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook-disabled")
    on = (await client.patch(path, json={"is_enabled": True}, headers=seller.headers)).json()
    assert (on["is_enabled"], on["disabled_reason"], on["disabled_at"]) == (True, None, None)


async def test_what_takes_the_account_back_switches_its_webhooks_off_and_its_owner_switches_them_on(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    admin, stranger = await sign_up(Role.ADMIN), await sign_up()
    path = f"{WEBHOOKS}/{(await made(client, seller))['id']}"
    others = await made(client, stranger)
    waiting = await client.post(f"{path}/test", headers=seller.headers)
    ended = await client.post(f"/api/v1/admin/users/{seller.id}/end-sessions", headers=admin.headers)
    assert ended.status_code == 204
    form = {"username": seller.username, "password": PASSWORD}
    token = (await client.post("/api/v1/auth/token", data=form)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    off = (await client.get(path, headers=headers)).json()
    assert (off["is_enabled"], off["disabled_reason"]) == (False, "account")
    delivery = await client.get(waiting.headers["location"], headers=headers)
    assert delivery.json()["state"] == "dead"
    [told] = await events_of(session, "user.credentials_ended")
    assert told == {"user_id": seller.id, "what": "webhooks"}
    on = await client.patch(
        path, json={"is_enabled": True}, headers={**headers, "If-Match": f'"{off["version"]}"'}
    )
    assert (on.status_code, on.json()["disabled_reason"]) == (200, None)
    kept = await client.get(f"{WEBHOOKS}/{others['id']}", headers=stranger.headers)
    assert kept.json()["is_enabled"]


async def test_an_account_has_so_many_and_no_more(client: httpx.AsyncClient, seller: Caller) -> None:
    for _ in range(10):
        await made(client, seller)
    refused = await client.post(WEBHOOKS, json=BODY, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-webhooks")


async def test_the_same_key_registers_once(client: httpx.AsyncClient, seller: Caller) -> None:
    headers = {**seller.headers, "Idempotency-Key": "k"}
    first = await client.post(WEBHOOKS, json=BODY, headers=headers)
    again = await client.post(WEBHOOKS, json=BODY, headers=headers)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]
    assert (await client.get(WEBHOOKS, headers=seller.headers)).json()["total"] == 1


async def test_the_audit_log_names_the_host_alone(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    webhook = await made(client, seller)
    await client.post(f"{WEBHOOKS}/{webhook['id']}/rotate-secret", headers=seller.headers)
    [entry] = await audit(action="webhook.created")
    assert entry["changes"]["url"] == [None, "hooks.example.com"]
    assert len(await audit(action="webhook.rotated")) == 1
