"""New passwords are looked up among those that leaked, where the setting says so."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from app.core.metrics import BREACH_LOOKUPS
from app.identity.password_rules import weakness
from devstack import Servers
from tests.conftest import PASSWORD, client_of, running_app, settings_for

REGISTER = "/api/v1/users/register"
LEAKED = "quiet rivers bend"
DIGEST = hashlib.sha1(LEAKED.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass
class Service:
    """A range API on this machine: what it is asked, and what it answers."""

    answer: bytes = b"HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n"
    is_silent: bool = False
    asked: list[bytes] = field(default_factory=list)
    under_way: set[asyncio.Task[None] | None] = field(default_factory=set)

    def lists(self, *lines: str) -> None:
        body = "\r\n".join(lines).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        self.answer = head.encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.under_way.add(asyncio.current_task())
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        if self.is_silent:
            await reader.read()
        else:
            writer.write(self.answer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def shop(
    servers: Servers, database_url: str, service: Service, **password: object
) -> AsyncIterator[FastAPI]:
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wish = {"breach_check": True, "breach_url": f"http://127.0.0.1:{port}/range", **password}
    async with server, running_app(settings_for(servers, database_url, password=wish)) as app:
        yield app
        await asyncio.gather(*(task for task in service.under_way if task is not None))


def outcomes() -> dict[str, float]:
    samples = next(iter(BREACH_LOOKUPS.collect())).samples
    counted = {one.labels["outcome"]: one.value for one in samples if one.name.endswith("_total")}
    return {"breached": 0.0, "unknown": 0.0, "failed": 0.0} | counted


async def register(client: httpx.AsyncClient, name: str, password: str = LEAKED) -> httpx.Response:
    account = {"username": name, "email": f"{name}@example.com", "password": password}
    return await client.post(REGISTER, json=account)


async def test_a_leaked_password_is_refused_wherever_one_is_chosen(
    servers: Servers, empty_database_url: str
) -> None:
    service = Service()
    service.lists("0" * 35 + ":3", f"{DIGEST[5:]}:42")
    async with shop(servers, empty_database_url, service) as app, client_of(app) as client:
        refused = await register(client, "ada")
        assert (refused.status_code, refused.json()["code"]) == (422, "new-password-refused")
        assert refused.json()["errors"][0]["field"] == "password"
        assert LEAKED not in refused.text
        request = service.asked[0]
        assert request.startswith(f"GET /range/{DIGEST[:5]} HTTP/1.1\r\n".encode())
        assert b"Add-Padding: true" in request
        assert DIGEST[5:].encode() not in request
        assert (await register(client, "ada", PASSWORD)).status_code == 201
        form = {"username": "ada", "password": PASSWORD}
        token = (await client.post("/api/v1/auth/token", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        wish = {"current_password": PASSWORD, "new_password": LEAKED}
        changed = await client.post("/api/v1/auth/change-password", json=wish, headers=headers)
        assert (changed.status_code, changed.json()["code"]) == (422, "new-password-refused")
        assert changed.json()["errors"][0]["field"] == "new_password"
        count = len(service.asked)
        wrong = {**wish, "current_password": "Wrong-horse-1!"}
        await client.post("/api/v1/auth/change-password", json=wrong, headers=headers)
        reset = {"token": "x" * 43, "new_password": LEAKED}
        await client.post("/api/v1/auth/password-reset/confirm", json=reset)
        assert len(service.asked) == count


@pytest.mark.parametrize("lines", [(), ("0" * 35 + ":3",), (f"{DIGEST[5:]}:0",), ("nonsense",)])
async def test_what_is_not_listed_or_only_pads_the_answer_is_no_leak(
    servers: Servers, empty_database_url: str, lines: tuple[str, ...]
) -> None:
    service = Service()
    service.lists(*lines)
    before = outcomes()
    async with shop(servers, empty_database_url, service) as app, client_of(app) as client:
        assert (await register(client, "ada")).status_code == 201
    assert outcomes() == before | {"unknown": before["unknown"] + 1}


@pytest.mark.parametrize("fault", ["error", "silence", "nonsense", "away"])
async def test_a_service_that_is_away_stops_nobody_and_is_counted(
    servers: Servers, empty_database_url: str, fault: str
) -> None:
    service = Service(is_silent=fault == "silence")
    if fault == "nonsense":
        service.answer = b"\x00\x01 no HTTP\r\n\r\n"
    wish: dict[str, object] = {"breach_timeout": 0.3}
    if fault == "away":
        wish["breach_url"] = "http://127.0.0.1:9/range"
    before = outcomes()
    async with shop(servers, empty_database_url, service, **wish) as app, client_of(app) as client:
        assert (await register(client, "ada")).status_code == 201
    assert outcomes() == before | {"failed": before["failed"] + 1}


async def test_nothing_is_asked_unless_the_setting_says_so(servers: Servers, empty_database_url: str) -> None:
    service = Service()
    async with (
        shop(servers, empty_database_url, service, breach_check=False) as app,
        client_of(app) as client,
    ):
        assert (await register(client, "ada")).status_code == 201
    assert service.asked == []


def test_offline_none_of_the_commonest_passwords_may_be_used() -> None:
    # The package that estimates strengths ships the 30,000 commonest of many leaks.
    commonest = FREQUENCY_LISTS["passwords"]
    assert len(commonest) == 30_000
    assert [password for password in commonest if weakness(password, "") is None] == []
