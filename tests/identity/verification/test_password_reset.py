"""Resetting a forgotten password over HTTP."""

import asyncio
from typing import Any

import httpx
from asyncpg.connection import LoggedQuery
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.verification.service import TokenPurpose, issue
from devstack import Servers
from tests.conftest import (
    PASSWORD,
    Audit,
    Caller,
    SignUp,
    change_account,
    client_of,
    running_app,
    settings_for,
)

from .conftest import Mail, Outbox

REQUEST = "/api/v1/auth/password-reset"
CONFIRM = "/api/v1/auth/password-reset/confirm"
TOKEN = "/api/v1/auth/token"
ME = "/api/v1/users/me"
NEW = "Another-horse-2!"


def address(caller: Caller) -> str:
    return f"{caller.username}@example.com"


async def log_in(client: httpx.AsyncClient, caller: Caller, password: str) -> httpx.Response:
    return await client.post(TOKEN, data={"username": caller.username, "password": password})


async def test_a_reset_sets_the_password_and_ends_every_session(
    client: httpx.AsyncClient, seller: Caller, mail: Mail, outbox: Outbox, audit: Audit
) -> None:
    refresh = (await log_in(client, seller, PASSWORD)).json()["refresh_token"]
    await client.patch(ME, json={"email": "thief@example.com"}, headers=seller.headers)
    other = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    token = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    answer = await client.post(CONFIRM, json={"token": token, "new_password": NEW, "confirm_password": NEW})
    assert answer.status_code == 204
    assert (await client.get(ME, headers=seller.headers)).status_code == 401
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": refresh})
    assert refreshed.status_code == 401
    assert (await log_in(client, seller, PASSWORD)).status_code == 401
    fresh = await log_in(client, seller, NEW)
    assert fresh.status_code == 200
    headers = {"Authorization": f"Bearer {fresh.json()['access_token']}"}
    account = (await client.get(ME, headers=headers)).json()
    assert (account["is_verified"], account["pending_email"]) == (True, None)
    assert ("user.password_changed", {"user_id": seller.id}) in await outbox()
    (entry,) = await audit(action="user.password_reset")
    assert (entry["actor_id"], entry["changes"]) == (seller.id, {"password": ["***", "***"]})
    for dead in (token, other):
        again = await client.post(CONFIRM, json={"token": dead, "new_password": "Third-horse-3!"})
        assert (again.status_code, again.json()["code"]) == (400, "invalid-one-time-token")


async def test_a_token_dies_when_the_password_is_changed(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    token = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    change = {"current_password": PASSWORD, "new_password": NEW}
    changed = await client.post("/api/v1/auth/change-password", json=change, headers=seller.headers)
    assert changed.status_code < 300
    answer = await client.post(CONFIRM, json={"token": token, "new_password": "Third-horse-3!"})
    assert answer.status_code == 400


async def test_a_refused_password_leaves_the_token_good(
    client: httpx.AsyncClient, sign_up: SignUp, mail: Mail
) -> None:
    caller = await sign_up(username="grace")
    token = await mail(caller.id, TokenPurpose.RESET_PASSWORD, address(caller))
    for password in ("short", "Password1!", "Amazing-Grace-1!"):
        answer = await client.post(CONFIRM, json={"token": token, "new_password": password})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["new_password"]
        assert password not in answer.text
    unlike = {"token": token, "new_password": NEW, "confirm_password": PASSWORD}
    assert (await client.post(CONFIRM, json=unlike)).status_code == 422
    assert (await client.post(CONFIRM, json={"token": token, "new_password": NEW})).status_code == 204


async def test_a_reset_lifts_the_lock_of_failed_logins(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    for _ in range(6):
        await log_in(client, seller, "Wrong-horse-9!")
    assert (await log_in(client, seller, PASSWORD)).status_code == 429
    token = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    await client.post(CONFIRM, json={"token": token, "new_password": NEW})
    assert (await log_in(client, seller, NEW)).status_code == 200


async def test_a_closed_account_gets_no_new_password(
    client: httpx.AsyncClient, seller: Caller, mail: Mail, session: AsyncSession
) -> None:
    token = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    await change_account(session, seller.id, is_active=False)
    assert (await client.post(CONFIRM, json={"token": token, "new_password": NEW})).status_code == 400


async def test_asking_answers_alike_and_writes_as_much_for_known_and_unknown_addresses(
    client: httpx.AsyncClient, seller: Caller, outbox: Outbox
) -> None:
    known = await client.post(REQUEST, json={"email": address(seller)})
    unknown = await client.post(REQUEST, json={"email": "nobody@example.com"})
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert known.status_code == 202
    assert {name for name in known.headers if name != "x-request-id"} == {
        name for name in unknown.headers if name != "x-request-id"
    }
    assert await outbox() == [
        ("user.password_reset_requested", {"user_id": seller.id}),
        ("user.address_unknown", {"user_id": 0}),
    ]


async def test_asking_does_the_same_work_for_known_and_unknown_addresses(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    """Equal statements and equal answers: what tells them apart would have to be slower or faster."""
    caller = await live_sign_up()
    statements: list[str] = []
    engines = live_app.state.database.engines().values()

    def note(query: LoggedQuery) -> None:
        statements.append(query.query)

    def listen(connection: Any, *_: object) -> None:
        # By the driver: not all that is said to PostgreSQL is said through SQLAlchemy.
        connection.driver_connection.add_query_logger(note)

    for engine in engines:
        event.listen(engine.sync_engine, "checkout", listen)
    seen = []
    async with client_of(live_app) as client:
        for email in (address(caller), "nobody@example.com"):
            statements.clear()
            answer = await client.post(REQUEST, json={"email": email})
            seen.append((answer.status_code, answer.content, list(statements)))
    assert seen[0] == seen[1]
    assert seen[0][0] == 202
    assert any("INTO outbox_events" in statement for statement in seen[0][2])


async def test_mails_are_limited_per_address_and_per_client(
    servers: Servers, empty_database_url: str
) -> None:
    limits = {"mail": "4/hour", "mail_address": "2/hour"}
    settings = settings_for(servers, empty_database_url, rate_limit=limits)
    async with (
        running_app(settings) as application,
        client_of(application) as here,
        client_of(application, "192.0.2.7") as there,
    ):
        same = [await here.post(REQUEST, json={"email": "Ada@Example.com"}) for _ in range(3)]
        elsewhere = await there.post(REQUEST, json={"email": "ada@example.com"})
        others = [await here.post(REQUEST, json={"email": f"a{n}@example.com"}) for n in range(2)]
    assert [answer.status_code for answer in same] == [202, 202, 429]
    assert elsewhere.status_code == 429
    assert [answer.status_code for answer in others] == [202, 429]


async def test_of_twenty_resets_with_one_token_at_once_one_wins(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        tokens = [
            await issue(session, caller.id, TokenPurpose.RESET_PASSWORD, address(caller)) for _ in range(2)
        ]
    async with client_of(live_app) as client:
        answers = await asyncio.gather(
            *(
                client.post(CONFIRM, json={"token": tokens[n % 2], "new_password": f"Horse-no-{n}-galops!"})
                for n in range(20)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19


async def test_a_newer_link_ends_the_older_ones_of_its_purpose_alone(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, mail: Mail
) -> None:
    other = await sign_up()
    foreign = await mail(other.id, TokenPurpose.RESET_PASSWORD, address(other))
    proof = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
    old, newest = [await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller)) for _ in range(2)]
    refused = await client.post(CONFIRM, json={"token": old, "new_password": NEW})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid-one-time-token")
    assert "another one that we sent" in refused.json()["detail"]
    assert (await client.post("/api/v1/auth/verify-email", json={"token": proof})).status_code == 200
    # Proving the address ends what was mailed before; a link of another account is none of it.
    assert (await client.post(CONFIRM, json={"token": newest, "new_password": NEW})).status_code == 400
    assert (await client.post(CONFIRM, json={"token": foreign, "new_password": NEW})).status_code == 204


async def test_of_links_that_are_made_at_once_one_works(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()

    async def make() -> str:
        async with live_app.state.database.sessions.begin() as worker:
            return await issue(worker, caller.id, TokenPurpose.RESET_PASSWORD, address(caller))

    links = await asyncio.gather(*(make() for _ in range(5)))
    statuses = [
        (await live_client.post(CONFIRM, json={"token": link, "new_password": f"{NEW}{number}"})).status_code
        for number, link in enumerate(links)
    ]
    assert sorted(statuses) == [204] + [400] * 4
