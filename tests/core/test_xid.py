"""The id of a transaction, which a statement may tell by the way."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import FastAPI
from sqlalchemy import text

from app.core.db.driver import current_xid
from app.core.events.events import Event, publish

_ASKED = text("SELECT pg_current_xact_id()::text::bigint")


@dataclass(frozen=True, slots=True)
class Told(Event):
    type: ClassVar[str] = "test.told"


async def test_the_id_that_an_event_told_is_that_of_its_transaction_alone(live_app: FastAPI) -> None:
    async with live_app.state.database.sessions() as session:
        seen = []
        for is_told in (True, False, True):
            if is_told:
                await publish(session, Told())
            seen.append(await current_xid(session))
            assert seen[-1] == await session.scalar(_ASKED)
            await session.commit()
    assert len(set(seen)) == 3


async def test_a_savepoint_changes_nothing_of_it(live_app: FastAPI) -> None:
    async with live_app.state.database.sessions() as session:
        async with session.begin_nested():
            await publish(session, Told())
        assert await current_xid(session) == await session.scalar(_ASKED)
        await session.rollback()
