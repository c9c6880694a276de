"""Nearly all that the shop does, on whatever database its settings name: for roles, poolers and replicas."""

from typing import Any

import httpx
from sqlalchemy import text

from app.core.db.transaction import transaction
from app.core.events.jobs import JOBS
from app.core.settings.settings import Settings
from app.demo.loader import load_demo
from app.identity.permissions import Role
from examples.buy import walk
from tests.catalog.imports.conftest import books_of, csv_of, make_importer
from tests.conftest import PASSWORD, audit_entries, client_of, make_account, running_app
from tests.factories import a_book

from .conftest import RunningWorker, until


async def run_the_shop(settings: Settings, running_worker: RunningWorker) -> None:
    """Load the demo, register, list a book, import, buy, pay, send back, read and verify the audit log, run every job."""
    settings = settings.model_copy(update={"environment": "development"})
    settings.payments.fake_delay = 1
    async with running_app(settings) as app:
        database, cache = app.state.database, app.state.cache

        async def ask(question: str) -> Any:
            async with database.reading() as connection:
                return await connection.scalar(text(question))

        async with transaction(database, cache) as session:
            await load_demo(session, settings, lambda *_: None)
        async with database.sessions.begin() as arranging:
            admin = await make_account(app, arranging, Role.ADMIN)
            moderator = await make_account(app, arranging, Role.MODERATOR)
        async with running_worker(settings, is_scheduling=True), client_of(app) as client:
            await _register(client)
            await a_book(client, moderator, title="On another database")
            sent = await make_importer(app, client, moderator).send(csv_of(books_of(20)))
            await walk(client)

            async def is_imported() -> bool:
                job = await client.get(f"/api/v1/admin/imports/{sent['id']}", headers=moderator.headers)
                return bool(job.json()["state"] == "completed")

            async def are_jobs_done() -> bool:
                done = await ask("SELECT count(DISTINCT job) FROM job_slots WHERE done_at IS NOT NULL")
                return bool(done == len(JOBS))

            await until(is_imported)
            await until(are_jobs_done)
            assert await audit_entries(client, admin, action="user.registered")
            verdict = await client.get("/api/v1/admin/audit/verify", headers=admin.headers)
            assert verdict.json()["valid"], verdict.text
        assert await ask("SELECT count(*) FROM dead_letters") == 0


async def _register(client: httpx.AsyncClient) -> None:
    account = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    answer = await client.post("/api/v1/users/register", json=account)
    assert answer.status_code == 201, answer.text
