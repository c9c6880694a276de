"""A shop and its worker that may call receivers on this machine."""

from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI

from app.core.settings.settings import Settings
from devstack import Servers
from tests.conftest import running_app
from tests.worker.conftest import settings_with_worker
from tests.worker.post_office import PostOffice


@pytest.fixture
def worker_settings(servers: Servers, empty_database_url: str, post_office: PostOffice) -> Settings:
    networks = {"networks": "127.0.0.0/8"}
    return settings_with_worker(
        servers, empty_database_url, post_office, environment="testing", outbound=networks
    )


@pytest.fixture
async def live_app(worker_settings: Settings) -> AsyncIterator[FastAPI]:
    async with running_app(worker_settings) as application:
        yield application
