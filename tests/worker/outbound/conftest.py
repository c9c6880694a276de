"""A shop and its worker that may call receivers on this machine."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from app.core.settings.settings import Settings
from devstack import Servers
from tests.conftest import running_app, settings_for
from tests.worker.conftest import LEASE
from tests.worker.post_office import PostOffice


@pytest.fixture
def worker_settings(servers: Servers, empty_database_url: str, post_office: PostOffice) -> Settings:
    return settings_for(
        servers,
        empty_database_url,
        environment="testing",
        outbound={"networks": "127.0.0.0/8"},
        mail={"url": post_office.url, "from": "Shop <shop@example.com>", "timeout": 1},
        worker={"lease": LEASE, "concurrency": 4, "attempts": 3},
    )


@pytest.fixture
async def live_app(worker_settings: Settings) -> AsyncIterator[FastAPI]:
    async with running_app(worker_settings) as application:
        yield application
