"""Staff that must have a second factor, API keys, cookies, and what a login's first half leaves behind."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import (
    Caller,
    account_of,
    change_account,
    client_of,
    make_account,
    running_app,
    settings_for,
)

from .authenticator import Authenticator
from .conftest import (
    MFA,
    PASSKEYS,
    PASSWORD_BODY,
    TOKEN,
    TOTP,
    Enrolled,
    answer,
    ask_token,
    enrol,
    log_in,
    login_options,
    registered,
)

AUTHOR = {"name": "Ursula K. Le Guin"}
BOOK = {"title": "Lanark", "author": "Alasdair Gray", "price": 9.99}
ORIGIN = "https://localhost:8000"


def bearer(opened: httpx.Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {opened.json()['access_token']}"}


@pytest.fixture
async def strict_app(servers: Servers, empty_database_url: str) -> AsyncIterator[FastAPI]:
    settings = settings_for(servers, empty_database_url, mfa={"required_for_staff": True})
    async with running_app(settings) as application:
        yield application


@pytest.fixture
async def strict(strict_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(strict_app) as http:
        yield http


async def account(app: FastAPI, role: Role) -> Caller:
    async with app.state.database.sessions.begin() as arranging:
        return await make_account(app, arranging, role)


async def test_staff_without_a_second_factor_do_what_any_user_may_until_they_have_one(
    strict_app: FastAPI, strict: httpx.AsyncClient
) -> None:
    staff = await account(strict_app, Role.MODERATOR)
    opened = await log_in(strict, staff)
    assert opened.status_code == 200
    headers = bearer(opened)
    refused = await strict.post("/api/v1/authors", json=AUTHOR, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "mfa-enrolment-required")
    assert (await strict.post("/api/v1/books", json=BOOK, headers=headers)).status_code == 201
    state = (await strict.get(MFA, headers=headers)).json()
    assert (state["is_required"], state["is_satisfied"]) == (True, False)
    await enrol(strict, Caller(staff.id, staff.username, headers))
    allowed = await strict.post("/api/v1/authors", json=AUTHOR, headers=headers)
    assert allowed.status_code == 201
    assert (await strict.get(MFA, headers=headers)).json()["is_satisfied"] is True


async def test_staff_may_not_touch_others_goods_with_the_password_alone(
    strict_app: FastAPI, strict: httpx.AsyncClient
) -> None:
    seller, staff = await account(strict_app, Role.USER), await account(strict_app, Role.MODERATOR)
    made = await strict.post("/api/v1/books", json=BOOK, headers=seller.headers)
    path = f"/api/v1/books/{made.json()['id']}"
    assert (await strict.delete(path, headers=staff.headers)).status_code in {403, 404}
    await registered(strict, staff)
    assert (await strict.delete(path, headers=staff.headers)).status_code == 204


async def test_staff_that_log_in_with_a_second_factor_or_a_passkey_have_all_their_permissions(
    strict_app: FastAPI, strict: httpx.AsyncClient
) -> None:
    staff = await account(strict_app, Role.ADMIN)
    enrolled = await enrol(strict, staff)
    by_code = await answer(strict, await ask_token(strict, staff), code=enrolled.code())
    by_recovery = await answer(
        strict, await ask_token(strict, staff), recovery_code=enrolled.recovery_codes[0]
    )
    device = await registered(strict, staff)
    body = {"credential": device.get(await login_options(strict))}
    by_passkey = await strict.post(f"{PASSKEYS}/login/verify", json=body)
    for number, opened in enumerate((by_code, by_recovery, by_passkey)):
        made = await strict.post("/api/v1/authors", json={"name": f"Author {number}"}, headers=bearer(opened))
        assert made.status_code == 201


async def test_whoever_removes_the_factor_loses_what_it_opened(
    strict_app: FastAPI, strict: httpx.AsyncClient
) -> None:
    staff = await account(strict_app, Role.MODERATOR)
    await enrol(strict, staff)
    device = await registered(strict, staff)
    assert (await strict.post("/api/v1/authors", json=AUTHOR, headers=staff.headers)).status_code == 201
    await strict.delete(f"{PASSKEYS}/{device.passkey_id}", headers=staff.headers)
    assert (await strict.get(MFA, headers=staff.headers)).json()["is_satisfied"] is True
    await strict.post(f"{TOTP}/disable", json=PASSWORD_BODY, headers=staff.headers)
    refused = await strict.post("/api/v1/authors", json=AUTHOR, headers=staff.headers)
    assert refused.json()["code"] == "mfa-enrolment-required"
    device = await registered(strict, staff)
    assert (await strict.get(MFA, headers=staff.headers)).json()["is_satisfied"] is True
    await strict.delete(f"{PASSKEYS}/{device.passkey_id}", headers=staff.headers)
    assert (await strict.get(MFA, headers=staff.headers)).json()["is_satisfied"] is False


async def test_users_are_not_asked_for_one(strict_app: FastAPI, strict: httpx.AsyncClient) -> None:
    user = await account(strict_app, Role.USER)
    assert (await strict.post("/api/v1/books", json=BOOK, headers=user.headers)).status_code == 201
    assert (await strict.get(MFA, headers=user.headers)).json()["is_required"] is False


async def test_an_api_key_changes_no_factor(client: httpx.AsyncClient, seller: Caller) -> None:
    made = await client.post(
        "/api/v1/api-keys", json={"name": "Import", "scopes": ["items:write"]}, headers=seller.headers
    )
    key = {"X-API-Key": made.json()["api_key"]}
    for refused in (
        await client.get(MFA, headers=key),
        await client.post(TOTP, json=PASSWORD_BODY, headers=key),
        await client.post(f"{PASSKEYS}/register/options", json=PASSWORD_BODY, headers=key),
        await client.get(PASSKEYS, headers=key),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "session-required")


async def test_a_browser_gets_cookies_instead_of_tokens(
    client: httpx.AsyncClient, enrolled: Enrolled
) -> None:
    form = {"username": enrolled.caller.username, "password": PASSWORD_BODY["password"]}
    refused = await client.post("/api/v1/auth/login", data=form, headers={"Origin": ORIGIN})
    assert refused.json()["code"] == "mfa-required"
    assert "set-cookie" not in refused.headers
    body = {"mfa_token": refused.json()["mfa_token"], "code": enrolled.code(), "cookies": True}
    foreign = await client.post(MFA, json=body, headers={"Origin": "https://phishing.example"})
    assert (foreign.status_code, foreign.json()["code"]) == (403, "csrf-refused")
    opened = await client.post(MFA, json=body, headers={"Origin": ORIGIN})
    assert opened.status_code == 200
    assert "access_token" not in opened.json()
    assert opened.json()["csrf_token"]
    assert "access_token=" in str(opened.headers.get_list("set-cookie"))


async def test_a_browser_gets_cookies_for_its_passkey(client: httpx.AsyncClient, seller: Caller) -> None:
    device: Authenticator = await registered(client, seller)
    body = {"credential": device.get(await login_options(client)), "cookies": True}
    path = f"{PASSKEYS}/login/verify"
    foreign = await client.post(path, json=body, headers={"Origin": "https://phishing.example"})
    assert foreign.json()["code"] == "csrf-refused"
    opened = await client.post(path, json=body, headers={"Origin": ORIGIN})
    assert opened.json()["csrf_token"]
    assert "access_token" not in opened.json()


async def test_the_first_half_of_a_login_replaces_an_old_hash_and_forgets_failures(
    client: httpx.AsyncClient, enrolled: Enrolled, session: AsyncSession
) -> None:
    bcrypt_hash = "$2b$04$9ZNyohTJ7qYx1FXtuVJVDuoFqKeRe6cVuhk2S0OiYaXzs2J4A1mH6"
    await change_account(session, enrolled.caller.id, password_hash=bcrypt_hash)
    for _ in range(2):
        for _ in range(4):
            form = {"username": enrolled.caller.username, "password": "Wrong-horse-1!"}
            assert (await client.post(TOKEN, data=form)).json()["code"] == "wrong-credentials"
        token = await ask_token(client, enrolled.caller)
    assert (await account_of(session, enrolled.caller.id)).password_hash.startswith("$argon2id$")
    with time_machine.travel(utc_now() + timedelta(seconds=60), tick=True):
        assert (await answer(client, token, code=enrolled.code())).status_code == 200


async def test_answers_are_limited_per_client(client: httpx.AsyncClient, seller: Caller) -> None:
    limited = await client.post(MFA, json={"mfa_token": "x", "code": "123456"})
    assert limited.headers["ratelimit-policy"] == '"second_factor";q=1000;w=60'
    begun = await client.post(TOTP, json=PASSWORD_BODY, headers=seller.headers)
    assert begun.headers["ratelimit-policy"] == '"second_factor";q=1000;w=60'
