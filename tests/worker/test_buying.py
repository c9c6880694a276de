"""The program that buys, as its readers run it: the demo shop, the API and a worker."""

import socket
import subprocess
import sys

import pytest
from fastapi import FastAPI

from app.core.db.transaction import transaction
from app.core.settings.settings import Settings
from app.demo.loader import load_demo
from examples.buy import walk
from tests.conftest import ROOT, client_of, running_app

from .conftest import RunningWorker

SAID = (
    "a guest's cart has 2 lines",
    "card declined: failed card_declined",
    "card 3ds: requires_action",
    "all five orders are paid, each once",
    "placed → paid → shipped → delivered",
    "one piece went back; payment",
    "came back",
    "everything was as promised",
)


async def test_a_buyer_goes_the_whole_way(
    worker_settings: Settings, running_worker: RunningWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = worker_settings.model_copy(update={"environment": "development"})
    settings.payments.fake_delay = 1
    async with running_app(settings) as app:
        await fill(app, settings)
        async with running_worker(settings), client_of(app) as client:
            await walk(client)
    said = capsys.readouterr().out
    assert not [words for words in SAID if words not in said], said


async def fill(app: FastAPI, settings: Settings) -> None:
    async with transaction(app.state.database, app.state.cache) as session:
        await load_demo(session, settings, lambda *_: None)


def test_where_no_shop_answers_it_says_so_and_fails() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        run = (sys.executable, "examples/buy.py", url)
        done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own program
    assert done.returncode == 1
    assert "make run" in done.stderr
