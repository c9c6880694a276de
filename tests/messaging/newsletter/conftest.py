"""Asks for the newsletter, and reads what comes of it."""

from collections.abc import Awaitable, Callable
from email.message import EmailMessage

import httpx
import pytest

from tests.worker.conftest import Ask, RunningWorker, all_done
from tests.worker.post_office import PostOffice, token_of

API = "/api/v1/newsletter"
ASKED = f"{API}/subscriptions"
Subscribed = Callable[..., Awaitable[EmailMessage]]


@pytest.fixture
def work(running_worker: RunningWorker, ask: Ask) -> Callable[[], Awaitable[None]]:
    """A worker works until nothing is left."""

    async def run() -> None:
        async with running_worker():
            await all_done(ask)

    return run


@pytest.fixture
def subscribed(
    live_client: httpx.AsyncClient, work: Callable[[], Awaitable[None]], post_office: PostOffice
) -> Subscribed:
    """Puts an address on the list by a link in a mail; the mail that welcomes it."""

    async def run(email: str = "ada@example.com", **headers: str) -> EmailMessage:
        assert (await live_client.post(ASKED, json={"email": email}, headers=headers)).status_code == 202
        await work()
        token = token_of(post_office.to(email)[-1], "/newsletter/confirm")
        assert (await live_client.post(f"{API}/confirm", json={"token": token})).status_code == 200
        await work()
        return post_office.to(email)[-1]

    return run
