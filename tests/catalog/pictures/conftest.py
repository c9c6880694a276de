"""The store of files of the application under test, empty at the start of each test."""

import pytest
from fastapi import FastAPI

from app.core.storage.storage import Storage


@pytest.fixture
async def storage(app: FastAPI) -> Storage:
    opened: Storage = app.state.storage.opened
    await opened.delete([file.name async for file in opened.list("covers")])
    return opened
