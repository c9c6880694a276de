"""Edits of one book at the same moment, with real commits."""

import asyncio

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from tests.catalog.merges.arrange import BOOKS, read_book
from tests.catalog.waiting import hold, until_somebody_waits
from tests.conftest import SignUp
from tests.factories import a_book

HOLDING_THE_PLACE = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
QUEUED = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'tuple'")


async def test_of_two_edits_at_once_the_later_one_stands_whole(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    first = {"title": "The Hobbit", "price": 5, "subtitle": "There and Back Again", "pages": 310}
    book = await a_book(live_client, seller, "The Hobbit", subtitle=first["subtitle"], pages=310)
    path = f"{BOOKS}/{book['id']}"
    second = {**first, "subtitle": "Or There and Back", "pages": 320}

    async with live_app.state.database.sessions.begin() as holding:
        await hold(holding, "items", book["id"])
        earlier = asyncio.ensure_future(live_client.put(path, json=second, headers=seller.headers))
        await until_somebody_waits(live_app, HOLDING_THE_PLACE)
        later = asyncio.ensure_future(live_client.put(path, json=first, headers=seller.headers))
        await until_somebody_waits(live_app, QUEUED)
    assert [answer.status_code for answer in await asyncio.gather(earlier, later)] == [200, 200]
    after = await read_book(live_client, book)
    assert (after["version"], after["subtitle"], after["pages"]) == (3, first["subtitle"], first["pages"])
