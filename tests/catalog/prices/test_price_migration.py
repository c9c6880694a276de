"""Plans that were made before they had versions."""

import asyncio
from pathlib import Path

import httpx
import pytest
from alembic.config import Config
from fastapi import FastAPI
from sqlalchemy import text

from alembic import command
from tests.conftest import Caller, SignUp

from .conftest import list_pen, planned, set_price, state_of

CONFIG = Config(str(Path(__file__).parents[3] / "alembic.ini"))


async def test_plans_from_before_versions_have_the_first_one_and_are_overridden_as_ever(
    live_app: FastAPI,
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = await live_sign_up()
    pens = [await list_pen(live_client, owner) for _ in range(3)]
    first, second, third = [await planned(live_client, owner, pen, None, 1) for pen in pens]
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    await asyncio.to_thread(command.downgrade, CONFIG, "0014")
    async with live_app.state.database.sessions.begin() as session:
        # As the release before overrides a plan.
        await session.execute(text("UPDATE items SET price = 9 WHERE id = :id"), {"id": _id(pens[0])})
    await asyncio.to_thread(command.upgrade, CONFIG, "head")
    assert await state_of(live_client, owner, first) == ("overridden", 10)
    assert await _version(live_client, owner, first) == 1
    await set_price(live_client, owner, pens[1], 9)
    assert await state_of(live_client, owner, second) == ("overridden", 10)
    assert await _version(live_client, owner, second) == 2
    gone = await live_client.delete(third, headers={**owner.headers, "If-Match": '"1"'})
    assert gone.status_code == 204


def _id(path: str) -> int:
    return int(path.rpartition("/")[2])


async def _version(client: httpx.AsyncClient, who: Caller, schedule: str) -> int:
    version: int = (await client.get(schedule, headers=who.headers)).json()["version"]
    return version
