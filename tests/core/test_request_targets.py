"""A request target that no client should send: HTTP/1.1 lets a proxy or a parser pass on more than paths."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.identity.principal import account_group
from tests.conftest import SignUp

ME = "/api/v1/users/me"


@pytest.fixture
async def port(live_app: FastAPI) -> AsyncIterator[int]:
    """The application behind Uvicorn with the parser that takes any target."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(live_app, http="h11", lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve([listening]))
    yield listening.getsockname()[1]
    server.should_exit = True
    await serving


async def ask(port: int, target: str) -> tuple[int, str]:
    """Status and everything that was answered to `GET` of the target, as it is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: testserver\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(" ", 2)[1]), answer


async def test_no_request_target_reads_what_is_kept_for_somebody_else(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, port: int
) -> None:
    caller = await live_sign_up(username="victim")
    for _ in range(2):
        (await live_client.get(ME, headers=caller.headers)).raise_for_status()
    sessions = await live_client.get("/api/v1/auth/sessions", headers=caller.headers)
    session_id = sessions.json()[0]["id"]
    group = account_group(caller.id)
    names = ("principal", "live_session", "own_account", "http", "application/json?")
    targets = [
        group,
        *(f"{name}:{rest}" for name in names for rest in (group, caller.id, session_id, ME)),
        f"x?{group}",
        "*",
    ]
    for target in targets:
        status, answer = await ask(port, target)
        assert status in {400, 404}, target
        assert "victim" not in answer, target
        assert "no-such-route" in answer, target
