"""Planned prices begin in the worker, and every process answers with the new price at once."""

from datetime import timedelta

import httpx

from app.core.clock import utc_now
from tests.conftest import SignUp

from .conftest import Change, RunningWorker, until


async def test_the_worker_begins_planned_prices_and_caches_hear_of_it(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, running_worker: RunningWorker, change: Change
) -> None:
    seller = await live_sign_up()
    made = await live_client.post("/api/v1/items", json={"title": "Pen", "price": 10}, headers=seller.headers)
    pen = made.headers["location"]
    plan = {"price": 8, "starts_at": (utc_now() + timedelta(hours=1)).isoformat()}
    await live_client.post(f"{pen}/price-schedules", json=plan, headers=seller.headers)
    seen = [(await live_client.get(path)).headers["etag"] for path in (pen, "/api/v1/items", f"{pen}/prices")]
    await change("UPDATE price_schedules SET starts_at = now()")

    async def has_begun() -> bool:
        return bool((await live_client.get(pen)).json()["price"] == 8)

    async with running_worker(is_scheduling=True):
        await until(has_begun)
    now = [(await live_client.get(path)).headers["etag"] for path in (pen, "/api/v1/items", f"{pen}/prices")]
    assert not {*seen} & {*now}
    assert (await live_client.get(pen)).json()["lowest_price_30d"] == 10
