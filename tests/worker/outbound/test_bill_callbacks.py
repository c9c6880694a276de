"""Whoever sent an invoice is called when it is paid, however often that takes, and nobody behind the shop's walls."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from aiohttp import web
from fastapi import FastAPI

from app.core import outbound_tries
from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, client_of
from tests.receiver import Receiver, serve
from tests.worker.conftest import Ask, Change, RunningWorker, StartWorker, all_done, until

INVOICES = "/api/v1/invoices"


@dataclass
class Accountant(Receiver):
    """A receiver that answers as it is told to, at last as documented."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    retry_after: str | None = None
    gate: asyncio.Event | None = None
    """What an answer waits for."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append((request, await request.read()))
        if self.gate is not None:
            await self.gate.wait()
        status, body = self.answers.pop(0) if self.answers else (200, b'{"ok": true}')
        headers = {"Location": "http://127.0.0.1:1/secret"} if status // 100 == 3 else {}
        if self.retry_after is not None:
            headers["Retry-After"] = self.retry_after
        return web.Response(status=status, body=body, headers=headers)


@dataclass(frozen=True, slots=True)
class Shop:
    client: httpx.AsyncClient
    sender: Caller
    staff: Caller
    receiver: Accountant

    async def pay(self, number: str = "INV-1", **fields: object) -> None:
        """Send an invoice, and pay it."""
        body = {"id": number, "customer": "Bookstore", "total": 5, **fields}
        query = {"callback_url": f"http://127.0.0.1:{self.receiver.port}/hook"}
        sent = await self.client.post(INVOICES, params=query, json=body, headers=self.sender.headers)
        assert sent.status_code == 201, sent.text
        paid = await self.client.post(f"{INVOICES}/{number}/payment", headers=self.staff.headers)
        assert paid.status_code == 200, paid.text

    async def callback(self, number: str = "INV-1") -> dict[str, Any]:
        answer = await self.client.get(f"{INVOICES}/{number}", headers=self.sender.headers)
        found: dict[str, Any] = answer.json()["callback"]
        return found


@pytest.fixture
async def receiver() -> AsyncIterator[Accountant]:
    accountant = Accountant()
    async for _ in serve(accountant, None):
        yield accountant


@pytest.fixture
async def shop(live_app: FastAPI, live_sign_up: SignUp, receiver: Accountant) -> AsyncIterator[Shop]:
    async with client_of(live_app) as client:
        yield Shop(client, await live_sign_up(), await live_sign_up(Role.MODERATOR), receiver)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other at once."""
    monkeypatch.setattr(outbound_tries, "PAUSES", (0.01,) * 9)


async def call_at(change: Change, url: str) -> None:
    """Let the name in the address mean something else."""
    # Colons begin parameters.
    await change("UPDATE bills SET callback_url = '{}'".format(url.replace(":", "\\:")))  # noqa: S608 (of this test)


async def test_the_sender_is_called_once_and_its_answer_kept(
    shop: Shop, ask: Ask, running_worker: RunningWorker
) -> None:
    await shop.pay(title="Regale – groß")
    await shop.pay("INV-2")
    async with running_worker():
        await all_done(ask)
    told = {request.path: (request, json.loads(body)) for request, body in shop.receiver.requests}
    assert len(shop.receiver.requests) == 2
    request, body = told["/hook/invoices/INV-1"]
    assert body == {"description": "Regale – groß", "paid": True}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"].startswith("bill_")
    assert told["/hook/invoices/INV-2"][1] == {"description": "Invoice INV-2", "paid": True}
    callback = await shop.callback()
    assert (callback["state"], callback["tries"], callback["status"]) == ("delivered", 1, 200)
    assert (callback["ok"], callback["error"]) == (True, None)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    ("body", "ok"),
    [
        (b'{"ok": false}', False),
        (b"", None),
        (b"[]", None),
        (b'{"ok": "yes"}', None),
        (b"\xff" * 100_000, None),
    ],
)
async def test_any_success_ends_the_calls_and_ok_is_kept_as_said(
    shop: Shop, ask: Ask, running_worker: RunningWorker, body: bytes, ok: bool | None
) -> None:
    shop.receiver.answers = [(201, body)]
    await shop.pay()
    async with running_worker():
        await all_done(ask)
    callback = await shop.callback()
    assert (callback["state"], callback["ok"], callback["tries"]) == ("delivered", ok, 1)


@pytest.mark.usefixtures("soon")
async def test_refusals_and_redirects_are_tried_again_with_the_same_id(
    shop: Shop, ask: Ask, running_worker: RunningWorker
) -> None:
    shop.receiver.answers = [(500, b""), (302, b""), (307, b""), (404, b""), (429, b"")]
    await shop.pay()
    async with running_worker():
        await all_done(ask)
    assert {request.path for request, _ in shop.receiver.requests} == {"/hook/invoices/INV-1"}
    assert len({request.headers["webhook-id"] for request, _ in shop.receiver.requests}) == 1
    callback = await shop.callback()
    assert (callback["state"], callback["tries"], callback["error"]) == ("delivered", 6, None)


@pytest.mark.usefixtures("soon")
async def test_after_ten_tries_it_is_a_dead_letter_that_can_be_tried_again(
    shop: Shop, ask: Ask, running_worker: RunningWorker, live_sign_up: SignUp
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    shop.receiver.answers = [(503, b"")] * 10
    await shop.pay()
    async with running_worker():
        await all_done(ask)
        failed = await shop.callback()
        assert (failed["state"], failed["tries"], failed["error"]) == (
            "failed",
            10,
            "the receiver answered 503",
        )
        letters = "/api/v1/admin/dead-letters"
        retried = await shop.client.post(
            f"{letters}/retry", json={"type": "bill.paid"}, headers=admin.headers
        )
        assert retried.json()["retried"] == 1
        await all_done(ask)
    assert (await shop.callback())["state"] == "delivered"
    assert len(shop.receiver.requests) == 11


async def test_a_receiver_that_is_gone_is_called_no_more(
    shop: Shop, ask: Ask, running_worker: RunningWorker
) -> None:
    shop.receiver.answers = [(410, b"")]
    shop.receiver.retry_after = "60"
    await shop.pay()
    async with running_worker():
        await all_done(ask)
    callback = await shop.callback()
    assert (callback["state"], callback["tries"], callback["status"]) == ("failed", 1, 410)
    assert "answered 410" in await ask("SELECT error FROM dead_letters WHERE type = 'bill.paid'")
    assert len(shop.receiver.requests) == 1


async def test_the_receivers_wish_is_honoured(shop: Shop, ask: Ask, running_worker: RunningWorker) -> None:
    shop.receiver.answers = [(503, b"")]
    shop.receiver.retry_after = "7200"
    await shop.pay()
    async with running_worker():

        async def is_put_off() -> object:
            return await ask(
                "SELECT locked_until > now() + '1 h' FROM outbox_events WHERE type = 'bill.paid' AND attempts = 1"
            )

        await until(is_put_off)
    assert (await shop.callback())["state"] == "pending"


async def test_the_next_try_is_later_and_nothing_is_late(
    shop: Shop, ask: Ask, running_worker: RunningWorker
) -> None:
    shop.receiver.answers = [(500, b"")]
    await shop.pay()
    async with running_worker():

        async def is_put_off() -> object:
            return await ask(
                "SELECT locked_until > now() + '3 s' FROM outbox_events WHERE type = 'bill.paid' AND attempts = 1"
            )

        await until(is_put_off)
    callback = await shop.callback()
    assert (callback["state"], callback["tries"], callback["status"]) == ("pending", 1, 500)


@pytest.mark.usefixtures("soon")
async def test_a_receiver_that_is_down_is_tried_until_it_is_up(
    shop: Shop, ask: Ask, change: Change, running_worker: RunningWorker
) -> None:
    await shop.pay()
    # Nobody listens at port 1.
    await call_at(change, "http://127.0.0.1:1/x")
    async with running_worker():

        async def was_tried() -> object:
            return await ask("SELECT callback_tries > 1 FROM bills")

        await until(was_tried)
        await call_at(change, f"http://127.0.0.1:{shop.receiver.port}/hook/invoices/INV-1")
        await all_done(ask)
    callback = await shop.callback()
    assert (callback["state"], callback["ok"]) == ("delivered", True)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("url", ["http://10.0.0.1/x", "https://169.254.169.254/latest", "http://[::1]:5432/"])
async def test_an_address_is_checked_with_each_try(
    shop: Shop, ask: Ask, change: Change, running_worker: RunningWorker, url: str
) -> None:
    await shop.pay()
    await call_at(change, url)
    async with running_worker():
        await all_done(ask)
    callback = await shop.callback()
    assert (callback["state"], callback["status"]) == ("failed", None)
    assert "may not be called" in callback["error"]
    assert not shop.receiver.requests


async def test_who_asked_for_no_call_gets_none(
    shop: Shop, ask: Ask, change: Change, running_worker: RunningWorker
) -> None:
    await shop.pay()
    await change("UPDATE bills SET callback_url = NULL, callback_state = NULL")
    async with running_worker():
        await all_done(ask)
    assert not shop.receiver.requests
    assert await shop.callback() is None


async def test_a_killed_worker_s_call_is_made_again(
    shop: Shop, ask: Ask, start_worker: StartWorker, running_worker: RunningWorker
) -> None:
    shop.receiver.gate = asyncio.Event()
    await shop.pay()
    killed = start_worker("worker", ENVIRONMENT="testing", OUTBOUND_NETWORKS="127.0.0.0/8")

    async def is_called() -> object:
        return shop.receiver.requests

    await until(is_called)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    shop.receiver.gate.set()
    async with running_worker():
        await all_done(ask)
    first, second = shop.receiver.requests
    assert first[0].headers["webhook-id"] == second[0].headers["webhook-id"]
    callback = await shop.callback()
    assert (callback["state"], callback["tries"]) == ("delivered", 1)
