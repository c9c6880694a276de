"""What takes long is told in the log: request, statement and plan, by hashes and the request's id, without parameters."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.db.slow import plan_hash, statement_hash
from devstack import Servers
from tests.conftest import OneTransaction, client_of, running_app, settings_for


@pytest.fixture
async def slow_app(servers: Servers, empty_database_url: str) -> AsyncIterator[FastAPI]:
    settings = settings_for(
        servers, empty_database_url, log={"level": "WARNING", "slow_request": 0.1, "slow_statement": 0.1}
    )
    async with running_app(settings, OneTransaction(settings.database)) as application:

        async def wait(name: str, seconds: float) -> None:
            async with application.state.database.reading() as connection:
                await connection.execute(
                    text("SELECT pg_sleep(:seconds) FROM (VALUES (1)) AS one (id) WHERE :name <> ''"),
                    {"seconds": seconds, "name": name},
                )
                raw: Any = (await connection.get_raw_connection()).driver_connection
                await raw.fetchrow("SELECT pg_sleep($1), $2::text", seconds, name)

        application.get("/wait/{name}")(wait)
        yield application


def lines_of(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    told = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in told if line["event"] == event]


async def test_slow_requests_and_statements_are_logged_without_parameters(
    slow_app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    async with client_of(slow_app) as http:
        answer = await http.get("/wait/geheim?seconds=0.15")
    assert answer.status_code == 200
    async with asyncio.timeout(30):
        while len(lines_of(caplog, "slow_statement_plan")) < 2:
            await asyncio.sleep(0.05)
    [request] = lines_of(caplog, "slow_request")
    assert (request["route"], request["status"]) == ("/wait/{name}", 200)
    assert request["duration_ms"] > 100
    statements = lines_of(caplog, "slow_statement")
    plans = lines_of(caplog, "slow_statement_plan")
    assert len({line["statement"] for line in statements}) == 2
    assert {line["statement"] for line in plans} == {line["statement"] for line in statements}
    for line in (request, *statements, *plans):
        assert line["request_id"] == answer.headers["x-request-id"]
    assert "geheim" not in repr([record.msg for record in caplog.records])


async def test_a_plan_is_asked_for_beside_the_transaction_of_the_statement(
    slow_app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    database: OneTransaction = slow_app.state.database
    async with database.engine.connect() as outer:
        with database.inside(outer):
            await outer.execute(text("SELECT pg_sleep(0.15)"))
            async with asyncio.timeout(30):
                while not lines_of(caplog, "slow_statement_plan"):
                    await outer.execute(text("SELECT pg_sleep(0.002)"))
    assert not lines_of(caplog, "slow_statement_unexplained")


def test_a_statement_has_one_hash_whatever_its_literals_and_white_space() -> None:
    one = statement_hash("SELECT a1 FROM t WHERE b = 17 AND c = 'it''s'")
    assert one == statement_hash("SELECT a1\n  FROM t WHERE b = 4 AND c = ''")
    assert one != statement_hash("SELECT a2 FROM t WHERE b = 17 AND c = 'it''s'")
    assert statement_hash("SELECT $1") != statement_hash("SELECT $2")


def test_a_plan_has_one_hash_whatever_it_is_thought_to_cost() -> None:
    def plan(node: str, cost: float) -> list[dict[str, Any]]:
        return [{"Plan": {"Node Type": "Limit", "Plans": [{"Node Type": node, "Total Cost": cost}]}}]

    assert plan_hash(plan("Seq Scan", 1)) == plan_hash(plan("Seq Scan", 2))
    assert plan_hash(plan("Seq Scan", 1)) != plan_hash(plan("Index Scan", 1))
