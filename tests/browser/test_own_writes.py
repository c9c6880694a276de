"""A page in a real browser reads what it wrote itself, through the browser's own cache."""

import asyncio
import os
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson
import pytest
import uvicorn
from fastapi import FastAPI

from devstack import Servers
from tests.conftest import client_of, make_account, running_app, settings_for
from tests.factories import a_book

PAGE = Path(__file__).with_name("own_writes.html").read_bytes()
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
)
PRIVATE = "private, no-store"
PUBLIC = "public, no-cache"


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture
def browser() -> str:
    found = find_browser()
    if found is None and os.environ.get("BROWSER_TESTS") == "required":
        pytest.fail("no browser is installed, and BROWSER_TESTS=required asks for one")
    if found is None:
        pytest.skip("no browser here: install Debian's chromium to run this test")
    return found


class PageServer(ThreadingHTTPServer):
    """Serves the page and its plan on an origin of its own, and takes what the page found."""

    daemon_threads = True

    def __init__(self, html: bytes) -> None:
        super().__init__(("127.0.0.1", 0), PageHandler)
        self.html = html
        self.plan: dict[str, str] = {}
        self.found: SimpleQueue[list[dict[str, Any]]] = SimpleQueue()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class PageHandler(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        is_plan = self.path == "/plan"
        body = orjson.dumps(self.server.plan) if is_plan else self.server.html
        self._answer(body, "application/json" if is_plan else "text/html")

    def do_POST(self) -> None:
        found = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer(b"", "text/plain")
        self.server.found.put(found)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, body: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def page_server(html: bytes = PAGE) -> Iterator[PageServer]:
    with PageServer(html) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The application behind a port of its own; its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning"))
        task = asyncio.ensure_future(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def run_page(
    browser: str, page: PageServer, profile: Path, within: float = 60
) -> dict[str, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        browser,
        *OPTIONS,
        f"--user-data-dir={profile}",
        page.origin,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        found = await asyncio.to_thread(page.found.get, timeout=within)
    finally:
        process.terminate()
        await process.wait()
    return {each["step"]: each for each in found}


async def test_a_page_reads_its_own_writes_and_recovers_from_412(
    servers: Servers, empty_database_url: str, browser: str, tmp_path: Path
) -> None:
    with page_server() as page:
        settings = settings_for(servers, empty_database_url, cors={"origins": page.origin})
        async with running_app(settings) as app, served(app) as address, client_of(app) as client:
            async with app.state.database.sessions.begin() as arranging:
                seller = await make_account(app, arranging)
            book = await a_book(client, seller, price=10)
            token = seller.headers["Authorization"].removeprefix("Bearer ")
            page.plan = {"book": f"{address}/api/v1/books/{book['id']}", "token": token}
            steps = await run_page(browser, page, tmp_path)

    assert "fault" not in steps, steps["fault"]
    said = {step: (each.get("status"), each.get("price")) for step, each in steps.items()}
    assert said["read"] == said["read again"] == (200, 10)
    assert said["patch"] == said["read the write"] == (200, 11)
    assert said["patch with the old tag"] == (412, None)
    assert said["read after 412"] == (200, 11)
    assert said["patch with the new tag"] == said["read the second write"] == (200, 12)

    assert steps["read the write"]["tag"] == steps["patch"]["tag"] != steps["read"]["tag"]
    assert steps["read after 412"]["tag"] == steps["read the write"]["tag"]
    assert steps["read the second write"]["tag"] == steps["patch with the new tag"]["tag"]

    # Each of them came from the shop: none with credentials is an anonymous one that the browser kept.
    named = ("read by name", "read the second write by name")
    anonymous = {each["id"] for step, each in steps.items() if step not in named}
    assert not anonymous & {steps[step]["id"] for step in named}
    assert steps["read"]["cacheControl"] == PUBLIC
    for step in named:
        assert steps[step]["cacheControl"] == PRIVATE
    assert steps["read the second write by name"]["price"] == 12
