"""The one table of faults, on what PostgreSQL and its driver really raise."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import Integer, literal_column, select, text
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.driver import DriverStatement, fetch
from app.core.db.engine import Database
from app.core.db.faults import Fault, retry_on_conflict, sql_state
from app.core.settings.groups import DatabaseSettings

STATES = [
    *((state, Fault.CONFLICT) for state in ("40001", "40P01", "55P03")),
    *((state, Fault.REFUSED) for state in ("22003", "22021", "23502", "23503", "23505", "23514", "54000")),
    *((state, Fault.UNAVAILABLE) for state in ("08006", "53300", "57014", "57P01", "57P03")),
    *((state, Fault.BUG) for state in ("0A000", "25006", "40003", "42703", "42P01", "P0001", "XX000")),
]


async def raw(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


async def catch_both(app: FastAPI, statement: str, *values: object) -> tuple[Exception, Exception]:
    """What the driver raises, and what SQLAlchemy makes of it."""
    async with app.state.database.reading() as connection:
        driver = await raw(connection)
        with pytest.raises(Exception) as of_driver:  # noqa: PT011 (whatever it is)
            await driver.fetchval(statement, *values)
    named = {f"v{number}": value for number, value in enumerate(values, 1)}
    async with app.state.database.reading() as connection:
        with pytest.raises(Exception) as of_sqlalchemy:  # noqa: PT011 (whatever it is)
            await connection.execute(text(statement.replace("$1::int", "CAST(:v1 AS int)")), named)
    return of_driver.value, of_sqlalchemy.value


@pytest.mark.parametrize(("state", "fault"), STATES)
async def test_every_state_means_the_same_however_it_arrives(
    live_app: FastAPI, state: str, fault: Fault
) -> None:
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
    errors = await catch_both(live_app, statement)
    assert [sql_state(error) for error in errors] == [state, state]
    assert [Fault.of(error) for error in errors] == [fault, fault]


@pytest.mark.parametrize(
    ("statement", "values", "fault"),
    [
        ("SELECT $1::int", (2**40,), Fault.REFUSED),
        ("SELECT $1::int", ("seven",), Fault.REFUSED),
        ("SELECT pg_terminate_backend(pg_backend_pid())", (), Fault.UNAVAILABLE),
        ("SELECT nothing FROM nowhere", (), Fault.BUG),
    ],
    ids=["too large to encode", "of another type", "hung up", "no such table"],
)
async def test_what_the_driver_itself_refuses_is_no_server_that_is_away(
    live_app: FastAPI, statement: str, values: tuple[object, ...], fault: Fault
) -> None:
    errors = await catch_both(live_app, statement, *values)
    assert [Fault.of(error) for error in errors] == [fault, fault]


async def test_a_statement_of_the_driver_tells_the_same(live_app: FastAPI) -> None:
    statement = DriverStatement(select(literal_column("1 / 0", Integer).label("nothing")))
    async with live_app.state.database.reading() as connection:
        with pytest.raises(Exception) as refusal:  # noqa: PT011 (whatever it is)
            await statement.one_or_none(connection)
    assert (Fault.of(refusal.value), sql_state(refusal.value)) == (Fault.REFUSED, "22012")


async def test_a_server_that_does_not_listen_is_away() -> None:
    away = DatabaseSettings(url=SecretStr("postgresql+asyncpg://nobody@127.0.0.1:1/nothing"))
    with pytest.raises(Exception) as refusal:  # noqa: PT011 (whatever it is)
        async with Database(away).reading():
            pass
    assert Fault.of(refusal.value) is Fault.UNAVAILABLE


@pytest.mark.parametrize("steps", range(5))
async def test_a_connection_that_was_just_cut_off_is_away_however_much_of_it_was_noticed(
    live_app: FastAPI, steps: int
) -> None:
    """The server's last words, and its hanging up, reach the driver in two steps of the event loop."""
    database: Database = live_app.state.database
    for engine in (database.engine, database.read_engine):
        async with engine.connect() as connection:
            pid = await (await raw(connection)).fetchval("SELECT pg_backend_pid()")
            async with database.reading() as other:
                # The answer and the end of the other are read at once, or nearly.
                await (await raw(other)).execute(f"SELECT pg_terminate_backend({pid})")
            time.sleep(0.2)  # noqa: ASYNC251 (the loop must not notice yet)
            for _ in range(steps):
                await asyncio.sleep(0)
            with pytest.raises(Exception) as refusal:  # noqa: PT011 (whatever it is)
                await fetch(connection, "SELECT 1")
            assert Fault.of(refusal.value) is Fault.UNAVAILABLE, repr(refusal.value)
            await connection.invalidate()


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (RedisAway(), Fault.UNAVAILABLE),
        (PoolTimeout(), Fault.UNAVAILABLE),
        (TimeoutError(), Fault.UNAVAILABLE),
        (ConnectionResetError(), Fault.UNAVAILABLE),
        (asyncpg.InternalClientError(), Fault.UNAVAILABLE),
        (ValueError(), Fault.BUG),
        (LookupError(), Fault.BUG),
    ],
)
def test_other_faults(error: Exception, fault: Fault) -> None:
    assert Fault.of(error) is fault
    assert fault.is_passing is (fault in {Fault.CONFLICT, Fault.UNAVAILABLE})


@pytest.mark.parametrize(("state", "attempts"), [("40P01", 3), ("23505", 3), ("23514", 1), ("57P01", 1)])
async def test_conflicts_alone_are_tried_again(live_app: FastAPI, state: str, attempts: int) -> None:
    statement = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
    made = 0

    async def attempt() -> None:
        nonlocal made
        made += 1
        async with live_app.state.database.reading() as connection:
            await (await raw(connection)).execute(statement)

    with pytest.raises(Exception, match="no"):
        await retry_on_conflict(attempt)
    assert made == attempts
