"""A shop with one pen, and ways to look at its prices and to shift them in time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.prices import jobs
from app.core.clock import utc_now
from app.core.db.transaction import transaction
from tests.conftest import Caller
from tests.factories import ITEMS, made

PEN = {"title": "Fountain pen", "price": 10, "quantity": 3, "kind": "stationery"}

Age = Callable[[timedelta], Awaitable[None]]


@pytest.fixture
async def pen(client: httpx.AsyncClient, seller: Caller) -> str:
    """The path of an item that costs 10."""
    return await list_pen(client, seller)


@pytest.fixture
def age(session: AsyncSession) -> Age:
    """Moves everything that happened, and what is planned, into the past."""

    async def move(by: timedelta) -> None:
        await session.execute(text("ALTER TABLE price_changes DISABLE TRIGGER append_only"))
        await session.execute(
            text("UPDATE price_changes SET changed_at = changed_at - CAST(:by AS interval)"), {"by": by}
        )
        await session.execute(text("ALTER TABLE price_changes ENABLE TRIGGER append_only"))
        # The earliest first: on the way they must not overlap.
        for each in (await session.scalars(text("SELECT id FROM price_schedules ORDER BY starts_at"))).all():
            await session.execute(
                text(
                    "UPDATE price_schedules SET starts_at = starts_at - CAST(:by AS interval), ends_at = ends_at - CAST(:by AS interval) WHERE id = :id"
                ),
                {"by": by, "id": each},
            )

    return move


async def list_pen(client: httpx.AsyncClient, seller: Caller, **fields: object) -> str:
    """List a pen; its path."""
    item = await made(client, seller, ITEMS, {**PEN, **fields})
    return f"{ITEMS}/{item['id']}"


async def set_price(client: httpx.AsyncClient, who: Caller, path: str, price: float | None) -> dict[str, Any]:
    """Change the price by hand, or take it off; the item."""
    answer = await client.patch(path, json={"price": price}, headers=who.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def prices_of(client: httpx.AsyncClient, path: str) -> list[float | None]:
    """Every price, the newest first."""
    answer = await client.get(f"{path}/prices")
    assert answer.status_code == 200, answer.text
    return [each["price"] for each in answer.json()["items"]]


async def price_as_of(client: httpx.AsyncClient, path: str, moment: str) -> float | None:
    """The price at the moment."""
    answer = await client.get(f"{path}/prices", params={"price_as_of": moment})
    assert answer.status_code == 200, answer.text
    price: float | None = answer.json()["price_as_of"]
    return price


def in_hours(hours: float) -> str:
    return (utc_now() + timedelta(hours=hours)).isoformat()


async def plan(
    client: httpx.AsyncClient, who: Caller, path: str, price: float, *hours: float | None
) -> httpx.Response:
    """Plan a price from so many hours on, until so many hours from now."""
    names = zip(("starts_at", "ends_at"), hours, strict=False)
    times = {name: in_hours(hour) for name, hour in names if hour is not None}
    return await client.post(f"{path}/price-schedules", json={"price": price, **times}, headers=who.headers)


async def planned(
    client: httpx.AsyncClient, who: Caller, path: str, *hours: float | None, price: float = 8
) -> str:
    """Plan a price; the path of the plan."""
    answer = await plan(client, who, path, price, *hours)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


async def run_job(app: FastAPI) -> int:
    async with transaction(app.state.database, app.state.cache) as session:
        return await jobs.apply_price_schedules(session)


async def state_of(client: httpx.AsyncClient, who: Caller, schedule: str) -> tuple[str, float | None]:
    body = (await client.get(schedule, headers=who.headers)).json()
    return body["state"], body["regular_price"]


async def look(client: httpx.AsyncClient, path: str) -> tuple[float, float | None, int]:
    body: dict[str, Any] = (await client.get(path)).json()
    return body["price"], body["lowest_price_30d"], body["version"]
