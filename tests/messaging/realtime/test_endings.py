"""Whatever opened a stream, and whatever kind it is, it ends with what its credentials were worth."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.core.clock import utc_now
from app.identity.permissions import Role, permissions_of
from app.identity.tokens import Grant
from devstack import Servers
from tests.conftest import PASSWORD, Caller, settings_for

from .conftest import Live, joining, live_server
from .test_sockets import TICKETS, closed, said, socket

AUTH = "/api/v1/auth"
Ended = Callable[[], Awaitable[str]]


@pytest.fixture
async def strict(servers: Servers, empty_database_url: str) -> AsyncIterator[Live]:
    stream = {"check": 0.2, "per_user": 10}
    async with live_server(settings_for(servers, empty_database_url, stream=stream)) as running:
        yield running


async def open_all(
    live: Live, stack: AsyncExitStack, token: str | None, key: str | None = None
) -> list[Ended]:
    """A stream of events and a socket by the token, as a header, a cookie and a ticket, and by the key; for each, why it ends."""
    shown: list[dict[str, str]] = [] if key is None else [{"X-API-Key": key}]
    bearer = {"Authorization": f"Bearer {token}"}
    if token is not None:
        shown += [bearer, {"Cookie": f"__Host-access_token={token}"}, {}]
    return [
        await one(live, stack, headers or await ticket(live, bearer), is_ticket=not headers)
        for headers in shown
        for one in (open_events, open_socket)
    ]


async def ticket(live: Live, bearer: dict[str, str]) -> dict[str, str]:
    answer = await live.http.post(TICKETS, headers=bearer)
    assert answer.status_code == 200, answer.text
    return {"ticket": answer.json()["ticket"]}


async def open_events(live: Live, stack: AsyncExitStack, shown: dict[str, str], *, is_ticket: bool) -> Ended:
    opening = live.stream(None, params=shown) if is_ticket else live.stream(None, headers=shown)
    reader = await stack.enter_async_context(opening)
    assert (await reader.next()).name == "connected"

    async def ended() -> str:
        [last] = await reader.rest()
        return f"{last.name} {last.data['reason']}"

    return ended


async def open_socket(live: Live, stack: AsyncExitStack, shown: dict[str, str], *, is_ticket: bool) -> Ended:
    query, headers = (f"?ticket={shown['ticket']}", None) if is_ticket else ("", shown)
    opened = await stack.enter_async_context(socket(live, None, query=query, headers=headers))
    assert (await said(opened))["type"] == "connected"

    async def ended() -> str:
        code, reason, last = await closed(opened)
        assert code == 1008
        assert last is not None
        assert last["reason"] == reason
        return f"{last['type']} {reason}"

    return ended


async def a_key(live: Live, owner: Caller) -> tuple[str, int]:
    body = {"name": "k", "scopes": ["profile:read"]}
    made = await live.http.post("/api/v1/api-keys", json=body, headers=owner.headers)
    assert made.status_code == 201, made.text
    return made.json()["api_key"], made.json()["id"]


def token_of(caller: Caller) -> str:
    return caller.headers["Authorization"].removeprefix("Bearer ")


async def reasons(ends: list[Ended]) -> set[str]:
    return set(await asyncio.gather(*(ended() for ended in ends)))


@pytest.mark.parametrize("how", ["logout", "password", "all sessions"])
async def test_they_end_with_the_session(strict: Live, how: str) -> None:
    ada = await joining(strict)()
    async with AsyncExitStack() as stack:
        ends = await open_all(strict, stack, token_of(ada))
        if how == "logout":
            answer = await strict.http.post(f"{AUTH}/logout", headers=ada.headers)
        elif how == "password":
            entered = await strict.http.post(
                f"{AUTH}/token", data={"username": ada.username, "password": PASSWORD}
            )
            other = {"Authorization": f"Bearer {entered.json()['access_token']}"}
            change = {"current_password": PASSWORD, "new_password": "Another-Horse-10-stapler"}
            answer = await strict.http.post(f"{AUTH}/change-password", json=change, headers=other)
        else:
            answer = await strict.http.post(f"{AUTH}/logout-all", headers=ada.headers)
        assert answer.status_code == 204, answer.text
        assert await reasons(ends) == {"closed session-ended"}


@pytest.mark.parametrize("how", ["banned", "left"])
async def test_they_end_with_the_account(strict: Live, how: str) -> None:
    ada, admin = await joining(strict)(), await joining(strict)(Role.ADMIN)
    key, _ = await a_key(strict, ada)
    async with AsyncExitStack() as stack:
        ends = await open_all(strict, stack, token_of(ada), key)
        if how == "banned":
            path = f"/api/v1/admin/users/{ada.id}/deactivate"
            answer = await strict.http.post(path, headers=admin.headers)
        else:
            answer = await strict.http.request(
                "DELETE", "/api/v1/users/me", json={"password": PASSWORD}, headers=ada.headers
            )
        assert answer.is_success, answer.text
        assert await reasons(ends) == {"closed session-ended"}


async def test_they_end_when_the_role_is_another_one(strict: Live) -> None:
    staff = await joining(strict)(Role.MODERATOR)
    key, _ = await a_key(strict, staff)
    async with AsyncExitStack() as stack:
        ends = await open_all(strict, stack, token_of(staff), key)
        async with strict.app.state.database.sessions.begin() as session:
            await session.execute(text("UPDATE users SET role = 'user'"))
        assert await reasons(ends) == {"reconnect access-changed"}


@pytest.mark.parametrize("how", ["revoked", "rotated"])
async def test_those_of_a_key_end_with_it(strict: Live, how: str) -> None:
    ada = await joining(strict)()
    key, key_id = await a_key(strict, ada)
    async with AsyncExitStack() as stack:
        ends = await open_all(strict, stack, None, key)
        path = f"/api/v1/api-keys/{key_id}"
        if how == "revoked":
            answer = await strict.http.delete(path, headers=ada.headers)
        else:
            body = {"overlap_seconds": 0}
            answer = await strict.http.post(f"{path}/rotate", json=body, headers=ada.headers)
        assert answer.is_success, answer.text
        assert await reasons(ends) == {"closed session-ended"}


async def test_they_end_when_the_token_expires(strict: Live) -> None:
    ada = await joining(strict)()
    async with strict.app.state.database.reading() as connection:
        session_id = await connection.scalar(text("SELECT id::text FROM auth_sessions"))
    soon = utc_now() + timedelta(seconds=5)
    scopes = permissions_of(Role.USER)
    token, _ = strict.app.state.tokens.issue(Grant(ada.id, session_id, Role.USER, scopes, soon))
    async with AsyncExitStack() as stack:
        ends = await open_all(strict, stack, str(token))
        assert await reasons(ends) == {"reconnect token-expired"}
