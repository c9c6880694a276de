"""What outlives a session is refused to one that ends while its request waits for the account."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.identity.credentials.service import CredentialService
from app.identity.credentials.table import AccountEvent
from tests.catalog.waiting import hold, until_somebody_waits
from tests.conftest import Caller, SignUp
from tests.identity.mfa.authenticator import Authenticator
from tests.identity.mfa.conftest import PASSKEYS, TOTP, creation_options

ME = "/api/v1/users/me"
KEYS = "/api/v1/api-keys"
WEBHOOKS = "/api/v1/webhooks"
WEBHOOK = {"url": "https://thief.example.com/hear", "events": ["*"]}

Prepared = tuple[str, str, Any]
Prepare = Callable[[httpx.AsyncClient, Caller], Awaitable[Prepared]]


async def a_key(_client: httpx.AsyncClient, _caller: Caller) -> Prepared:
    return "POST", KEYS, {"name": "till", "scopes": []}


async def the_default_key(_client: httpx.AsyncClient, _caller: Caller) -> Prepared:
    return "POST", f"{KEYS}/generate", None


async def another_address(_client: httpx.AsyncClient, _caller: Caller) -> Prepared:
    return "PATCH", ME, {"email": "thief@example.com"}


async def an_app(_client: httpx.AsyncClient, _caller: Caller) -> Prepared:
    return "POST", TOTP, None


async def an_apps_first_code(client: httpx.AsyncClient, caller: Caller) -> Prepared:
    begun = await client.post(TOTP, headers=caller.headers)
    # Whether the code fits is not asked of a session that is over.
    assert begun.status_code == 201
    return "POST", f"{TOTP}/confirm", {"code": "000000"}


async def a_passkey(client: httpx.AsyncClient, caller: Caller) -> Prepared:
    credential = Authenticator().create(await creation_options(client, caller))
    return "POST", f"{PASSKEYS}/register/verify", {"name": "Key", "credential": credential}


async def a_webhook(_client: httpx.AsyncClient, _caller: Caller) -> Prepared:
    return "POST", WEBHOOKS, WEBHOOK


async def a_webhooks_address(client: httpx.AsyncClient, caller: Caller) -> Prepared:
    made = await client.post(WEBHOOKS, json=WEBHOOK, headers=caller.headers)
    return "PATCH", made.headers["location"], {"url": "https://thief.example.com/2", "is_enabled": True}


async def a_webhooks_secret(client: httpx.AsyncClient, caller: Caller) -> Prepared:
    made = await client.post(WEBHOOKS, json=WEBHOOK, headers=caller.headers)
    return "POST", f"{made.headers['location']}/rotate-secret", None


async def the_end_of_the_account(_client: httpx.AsyncClient, _caller: Caller) -> Prepared:
    return "DELETE", ME, None


WISHES = (
    a_key,
    the_default_key,
    another_address,
    an_app,
    an_apps_first_code,
    a_passkey,
    a_webhook,
    a_webhooks_address,
    a_webhooks_secret,
    the_end_of_the_account,
)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.__name__)
async def test_a_session_that_ends_while_its_request_waits_leaves_nothing_behind(
    wish: Prepare, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    thief = await live_sign_up()
    method, path, body = await wish(live_client, thief)
    async with live_app.state.database.sessions() as owner:
        await hold(owner, "users", thief.id)
        asked = asyncio.create_task(live_client.request(method, path, json=body, headers=thief.headers))
        await until_somebody_waits(live_app, unless=asked)
        await CredentialService.build(owner).end(thief.id, AccountEvent.PASSWORD_RESET)
        await owner.commit()
    answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token"), answer.text
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_key_that_ends_while_its_request_waits_leaves_nothing_behind_either(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    thief = await live_sign_up()
    scopes = ["profile:read", "profile:write"]
    made = await live_client.post(KEYS, json={"name": "till", "scopes": scopes}, headers=thief.headers)
    key = {"X-API-Key": made.json()["api_key"]}
    async with live_app.state.database.sessions() as owner:
        await hold(owner, "users", thief.id)
        asked = asyncio.create_task(live_client.post(WEBHOOKS, json=WEBHOOK, headers=key))
        await until_somebody_waits(live_app, unless=asked)
        await CredentialService.build(owner).end(thief.id, AccountEvent.PASSWORD_RESET)
        await owner.commit()
    assert (await asked).status_code == 401
