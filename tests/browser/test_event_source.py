"""A page in a real browser hears every event once and in order, though the workers that it listens to are killed."""

import asyncio
import os
import signal
from pathlib import Path

from devstack import Servers
from tests.conftest import running_app, settings_for
from tests.gunicorn import StartGunicorn, start_gunicorn
from tests.messaging.realtime.conftest import joining, paid
from tests.messaging.realtime.test_workers import beside
from tests.ops.test_leaving import workers_of

from .test_own_writes import browser, page_server, run_page

__all__ = ["browser", "start_gunicorn"]

PAGE = Path(__file__).with_name("event_source.html").read_bytes()
EVENTS = 60
KILLED_AT = (20, 40)


async def test_a_page_hears_everything_once_though_workers_are_killed(
    servers: Servers, empty_database_url: str, browser: str, start_gunicorn: StartGunicorn, tmp_path: Path
) -> None:
    with page_server(PAGE) as page:
        server = await asyncio.to_thread(start_gunicorn, "--workers", "2", CORS_ORIGINS=page.origin)
        async with running_app(settings_for(servers, empty_database_url)) as app:
            live = beside(app, server)
            ada = await joining(live)()
            page.plan = {
                "shop": str(live.http.base_url).rstrip("/"),
                "token": ada.headers["Authorization"].removeprefix("Bearer "),
                "most": EVENTS,  # type: ignore[dict-item]  # the page takes any JSON
            }
            first = await asyncio.to_thread(workers_of, server)
            reading = asyncio.create_task(run_page(browser, page, tmp_path / "profile"))
            async with asyncio.timeout(60):
                while await app.state.redis.zcard(f"bookstore:streams:{ada.id}") < 2:
                    await asyncio.sleep(0.1)
            for number in range(1, EVENTS + 1):
                await live.announce(paid(number, ada.id))
                await asyncio.sleep(0.05)
                if number in KILLED_AT:
                    os.kill(first[KILLED_AT.index(number)], signal.SIGKILL)
            found = await reading
            await live.http.aclose()
    for client in ("EventSource", "WebSocket"):
        assert found[client]["seen"] == list(range(1, EVENTS + 1))
        assert found[client]["connections"] > 1, "both workers were killed, so each lost its connection"
