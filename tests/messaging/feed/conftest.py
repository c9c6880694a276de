"""Events in the feed, and a client that reads it."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.events.feed import sequence_events
from tests.conftest import Caller

Read = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def read(live_app: FastAPI, live_client: httpx.AsyncClient) -> Read:
    """Gives what was written its places, and reads the feed as somebody."""

    async def run(caller: Caller, **query: object) -> dict[str, Any]:
        async with live_app.state.database.sessions.begin() as session:
            await sequence_events(session)
        answer = await live_client.get(
            "/api/v1/events",
            params={name: str(value) for name, value in query.items()},
            headers=caller.headers,
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "private, no-store"
        found: dict[str, Any] = answer.json()
        return found

    return run
