"""Logging in with a passkey, and everything that only looks like it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.settings.settings import Settings
from app.identity.passkeys.relying_party import RelyingParty
from devstack import Servers
from tests.conftest import Audit, Caller, SignUp, change_account

from .authenticator import PRESENT, VERIFIED, Authenticator, b64
from .conftest import MFA, PASSKEYS, PASSWORD_BODY, Told, enrol, log_in, login_options, registered

VERIFY = f"{PASSKEYS}/login/verify"
ME = "/api/v1/users/me"


async def present(
    client: httpx.AsyncClient, device: Authenticator, options: dict[str, Any] | None = None, **more: object
) -> httpx.Response:
    asked = options or await login_options(client)
    return await client.post(VERIFY, json={"credential": device.get(asked), **more})


async def test_a_passkey_opens_a_session_without_name_password_or_code(
    client: httpx.AsyncClient, seller: Caller, opened_with: Told
) -> None:
    device = await registered(client, seller)
    await enrol(client, seller)
    options = await login_options(client)
    assert options["rpId"] == "localhost"
    assert options["allowCredentials"] == []
    assert options["userVerification"] == "required"
    opened = await present(client, device, options)
    assert opened.status_code == 200
    assert opened.headers["cache-control"].endswith("no-store")
    headers = {"Authorization": f"Bearer {opened.json()['access_token']}"}
    assert (await client.get(ME, headers=headers)).json()["username"] == seller.username
    assert (await client.get(MFA, headers=headers)).json()["is_satisfied"] is True
    assert (await client.get(PASSKEYS, headers=headers)).json()["items"][0]["last_used_at"] is not None
    assert await opened_with(seller.id) == ["passkey"]


async def test_the_session_may_be_asked_to_do_less(client: httpx.AsyncClient, moderator: Caller) -> None:
    device = await registered(client, moderator)
    assert (await present(client, device, scopes=["items:write"])).json()["scope"] == "items:write"
    assert "catalog:manage" in (await present(client, device)).json()["scope"]
    assert (await present(client, device, scopes=["nonsense"])).json()["scope"] == ""


async def test_a_passkey_alone_leaves_the_password_a_way_in(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await registered(client, seller)
    assert (await log_in(client, seller)).status_code == 200


async def test_an_answer_opens_one_session(client: httpx.AsyncClient, seller: Caller) -> None:
    device = await registered(client, seller)
    options = await login_options(client)
    body = {"credential": device.get(options)}
    assert (await client.post(VERIFY, json=body)).status_code == 200
    for again in (body, {"credential": device.get(options)}):
        refused = await client.post(VERIFY, json=again)
        assert (refused.status_code, refused.json()["code"]) == (401, "passkey-refused")


async def test_of_one_answer_sent_many_times_at_once_one_opens_a_session(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    device = await registered(live_client, await live_sign_up())
    body = {"credential": device.get(await login_options(live_client))}
    answers = await asyncio.gather(*(live_client.post(VERIFY, json=body) for _ in range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 7


async def test_a_challenge_lasts_five_minutes_and_is_for_logging_in(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    device = await registered(client, seller)
    options = await login_options(client)
    with time_machine.travel(utc_now() + timedelta(seconds=301), tick=True):
        assert (await present(client, device, options)).status_code == 401
    begun = await client.post(f"{PASSKEYS}/register/options", json=PASSWORD_BODY, headers=seller.headers)
    assert (await present(client, device, begun.json()["public_key"])).status_code == 401
    made_up = {"challenge": b64(b"x" * 32)}
    assert (await present(client, device, made_up)).status_code == 401


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://phishing.example"},
        {"rp_id": "phishing.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"credential_id": b"unknown"},
        {"handle": b64((2**60).to_bytes(8, "big"))},
        {"handle": b64(b"x")},
    ],
    ids=lambda bent: next(iter(bent)),
)
async def test_whatever_does_not_hold_the_refusal_is_the_same(
    client: httpx.AsyncClient, seller: Caller, audit: Audit, bent: dict[str, Any]
) -> None:
    device = await registered(client, seller)
    refused = await present(client, replace(device, **bent))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    problem = refused.json()
    assert (problem["code"], problem["detail"]) == (
        "passkey-refused",
        "This passkey does not open an account here; log in another way.",
    )
    failed = await audit(action="login.failed", target="user", target_id=seller.id)
    assert len(failed) == (0 if "credential_id" in bent else 1)
    assert (await present(client, device)).status_code == 200


async def test_nonsense_is_refused_and_breaks_nothing(client: httpx.AsyncClient, seller: Caller) -> None:
    device = await registered(client, seller)
    good = device.get(await login_options(client))
    response = good["response"]
    bent: dict[str, Any]
    for bent in (
        {},
        {"response": []},
        {**good, "rawId": "x"},
        {**good, "rawId": 5},
        {**good, "response": {**response, "authenticatorData": ""}},
        {**good, "response": {**response, "authenticatorData": "é"}},
        {**good, "response": {**response, "signature": b64(b"x")}},
        {**good, "response": {**response, "userHandle": 7}},
        {**good, "response": {**response, "clientDataJSON": b64(b"{" * 5000)}},
    ):
        refused = await client.post(VERIFY, json={"credential": bent})
        assert (refused.status_code, refused.json()["code"]) == (401, "passkey-refused"), bent
    assert (await client.post(VERIFY, json={"credential": []})).status_code == 422
    assert (await client.post(VERIFY, json={"credential": good})).status_code == 200


async def test_a_sign_count_that_does_not_rise_is_refused_audited_and_told_though_the_login_fails(
    client: httpx.AsyncClient, seller: Caller, told: Told, audited: Told
) -> None:
    device = await registered(client, seller)
    device.count = 10
    assert (await present(client, device)).status_code == 200
    copy = replace(device, count=9)
    refused = await present(client, copy)
    assert (refused.status_code, refused.json()["code"]) == (401, "passkey-copied")
    assert await told(seller.id) == ["passkey_added", "passkey_copied"]
    assert await audited(seller.id) == ["mfa.passkey_added", "mfa.passkey_copied"]
    device.count = 11
    assert (await present(client, device)).status_code == 200


async def test_an_authenticator_that_never_counts_is_fine(client: httpx.AsyncClient, seller: Caller) -> None:
    device = await registered(client, seller)
    for _ in range(2):
        device.count = -1
        assert (await present(client, device)).status_code == 200


async def test_a_removed_passkey_and_a_closed_account_open_nothing(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    kept, removed = await registered(client, seller), await registered(client, seller)
    await client.delete(f"{PASSKEYS}/{removed.passkey_id}", headers=seller.headers)
    assert (await present(client, removed)).json()["code"] == "passkey-refused"
    await change_account(session, seller.id, is_active=False)
    assert (await present(client, kept)).json()["code"] == "passkey-refused"


async def test_without_redis_a_challenge_is_still_good_once(
    servers: Servers, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    device = await registered(live_client, await live_sign_up())
    servers.redis.stop()
    try:
        options = await login_options(live_client)
        assert (await present(live_client, device, options)).status_code == 200
        assert (await present(live_client, device, options)).status_code == 401
    finally:
        servers.redis.start()


async def test_asking_for_options_writes_nothing(client: httpx.AsyncClient, session: AsyncSession) -> None:
    for _ in range(3):
        await login_options(client)
    assert await session.scalar(text("SELECT count(*) FROM attempt_counts")) == 0


def test_only_origins_of_the_own_domain_are_believed(app: FastAPI) -> None:
    own: Settings = app.state.settings
    origins = ("https://www.shop.example", "https://partner.example", "https://evilshop.example")
    changed = own.model_copy(
        update={
            "public_url": "https://Shop.example:443/api",
            "cors": own.cors.model_copy(update={"origins": origins}),
        }
    )
    site = RelyingParty(changed)
    assert site.rp_id == "shop.example"
    assert site.origins == ["https://shop.example", "https://www.shop.example"]
