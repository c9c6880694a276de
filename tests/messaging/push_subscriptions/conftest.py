"""A shop with a gateway and a key for push messages, which may call this machine."""

from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI

from app.core.settings.settings import Settings
from devstack import Servers
from tests.conftest import running_app
from tests.messaging.webhooks.conftest import NETWORKS, Moody
from tests.receiver import serve
from tests.worker.conftest import settings_with_worker
from tests.worker.post_office import PostOffice

SERVER_KEY = ec.generate_private_key(ec.SECP256R1())
SERVER_PEM = SERVER_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
async def receiver() -> AsyncIterator[Moody]:
    """The gateway at `/sms`, and push services."""
    moody = Moody()
    async for _ in serve(moody, None):
        yield moody


@pytest.fixture
def worker_settings(
    servers: Servers, empty_database_url: str, post_office: PostOffice, receiver: Moody
) -> Settings:
    return settings_with_worker(
        servers,
        empty_database_url,
        post_office,
        environment="testing",
        outbound={"networks": NETWORKS},
        sms={"url": f"http://127.0.0.1:{receiver.port}/sms", "token": "a-token"},
        push={"private_key": SERVER_PEM, "contact": "shop@example.com"},
    )


@pytest.fixture
async def live_app(worker_settings: Settings) -> AsyncIterator[FastAPI]:
    async with running_app(worker_settings) as application:
        yield application
