"""A shop that may call this machine, its worker, and receivers of webhooks."""

import asyncio
import hashlib
import hmac
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI

from app.core.settings.settings import Settings
from app.sales.orders.events import OrderDelivered
from devstack import Servers
from tests.conftest import Caller, SignUp, running_app
from tests.receiver import Receiver, serve
from tests.worker.conftest import Ask, Change, Publish, RunningWorker, settings_with_worker, until
from tests.worker.post_office import PostOffice

WEBHOOKS = "/api/v1/webhooks"
NETWORKS = "127.0.0.0/8"

Register = Callable[..., Awaitable[dict[str, Any]]]


class Message(NamedTuple):
    """What a receiver was sent."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@pytest.fixture
def worker_settings(servers: Servers, empty_database_url: str, post_office: PostOffice) -> Settings:
    networks = {"networks": NETWORKS}
    return settings_with_worker(
        servers, empty_database_url, post_office, environment="testing", outbound=networks
    )


@pytest.fixture
async def live_app(worker_settings: Settings) -> AsyncIterator[FastAPI]:
    async with running_app(worker_settings) as application:
        yield application


@dataclass
class Moody(Receiver):
    """A receiver that answers as it is told to."""

    statuses: dict[str, int] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    retry_after: str | None = None
    gate: asyncio.Event | None = None
    """What answers at `/slow` wait for."""
    slow_status: int = 204

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/slow" and self.gate is not None:
            self.requests.append((request, await request.read()))
            await self.gate.wait()
            return web.Response(status=self.slow_status)
        answer = await super().answer(request)
        if request.path in self.statuses:
            return web.Response(status=self.statuses[request.path])
        if request.path in self.bodies:
            return web.Response(body=self.bodies[request.path])
        if request.path == "/busy" and self.retry_after is not None:
            return web.Response(status=503, headers={"Retry-After": self.retry_after})
        return answer


@pytest.fixture
async def receiver() -> AsyncIterator[Moody]:
    moody = Moody()
    async for _ in serve(moody, None):
        yield moody
        if moody.gate is not None:
            moody.gate.set()


@pytest.fixture
def register(live_client: httpx.AsyncClient, receiver: Receiver) -> Register:
    """Registers a webhook at this path of the receiver."""

    async def run(owner: Caller, path: str = "/", **fields: object) -> dict[str, Any]:
        body = {"url": f"http://127.0.0.1:{receiver.port}{path}", "events": ["*"], **fields}
        answer = await live_client.post(WEBHOOKS, json=body, headers=owner.headers)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    return run


def done(number: str, user_id: int) -> OrderDelivered:
    """An order of somebody's is with them, which nobody looks up."""
    return OrderDelivered(1, number, user_id=user_id)


def message_of(request: tuple[web.BaseRequest, bytes]) -> Message:
    return Message({name.lower(): value for name, value in request[0].headers.items()}, request[1])


def messages(receiver: Receiver, path: str = "/") -> list[Message]:
    """What came to this path."""
    return [message_of(each) for each in receiver.requests if each[0].path == path]


def verify(webhook: dict[str, Any], message: Message) -> None:
    """Both signatures are right, by the algorithms themselves."""
    signed = f"{message.id}.{message.headers['webhook-timestamp']}.".encode() + message.body
    given = [one.split(",") for one in message.headers["webhook-signature"].split(" ")]
    secret = b64decode(webhook["secret"].removeprefix("whsec_"))
    code = hmac.new(secret, signed, hashlib.sha256).digest()
    assert code in [b64decode(value) for version, value in given if version == "v1"]
    key = Ed25519PublicKey.from_public_bytes(b64decode(webhook["public_key"].removeprefix("whpk_")))
    key.verify(next(b64decode(value) for version, value in given if version == "v1a"), signed)


@dataclass(frozen=True, slots=True)
class Shop:
    """All that a test of deliveries works with."""

    client: httpx.AsyncClient
    sign_up: SignUp
    register: Register
    running_worker: RunningWorker
    receiver: Moody
    tell: Publish
    ask: Ask
    change: Change

    async def all_sent(self, within: float = 60) -> None:
        """Wait until every event is told of and no delivery is pending."""

        async def is_done() -> bool:
            return not await self.ask(
                "SELECT (SELECT count(*) FROM outbox_events WHERE done_at IS NULL OR (subject IS NOT NULL"
                " AND sequence IS NULL)) + (SELECT count(*) FROM webhook_deliveries WHERE state = 'pending')"
            )

        await until(is_done, within)

    async def holds(self, condition: str, within: float = 60) -> None:
        """Wait until the database answers this with true."""

        async def is_so() -> bool:
            return bool(await self.ask(f"SELECT {condition}"))

        await until(is_so, within)

    async def deliveries(self, owner: Caller, webhook: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        """What the webhook was sent, the latest first."""
        path = f"{WEBHOOKS}/{webhook['id']}/deliveries"
        answer = await self.client.get(path, params=query, headers=owner.headers)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    async def details(self, owner: Caller, webhook: dict[str, Any], delivery_id: int) -> dict[str, Any]:
        """One delivery with its tries."""
        path = f"{WEBHOOKS}/{webhook['id']}/deliveries/{delivery_id}"
        found: dict[str, Any] = (await self.client.get(path, headers=owner.headers)).json()
        return found

    async def read(self, owner: Caller, webhook: dict[str, Any]) -> dict[str, Any]:
        """The webhook as it is by now."""
        answer = await self.client.get(f"{WEBHOOKS}/{webhook['id']}", headers=owner.headers)
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def shop(
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    register: Register,
    running_worker: RunningWorker,
    told: tuple[Publish, Ask, Change],
    receiver: Moody,
) -> Shop:
    return Shop(live_client, live_sign_up, register, running_worker, receiver, *told)


@pytest.fixture
def told(tell: Publish, ask: Ask, change: Change) -> tuple[Publish, Ask, Change]:
    return tell, ask, change
