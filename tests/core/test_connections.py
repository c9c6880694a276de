"""What the pool lends is a connection whose last transaction was ended."""

from fastapi import FastAPI
from sqlalchemy import text

from app.core.db.driver import fetch
from devstack import Servers
from tests.conftest import running_app, settings_for


async def test_a_connection_whose_rollback_was_interrupted_is_lent_to_nobody(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url)
    async with running_app(settings) as application:
        for _ in range(3):
            async with application.state.database.engine.connect() as connection:
                raw = await connection.get_raw_connection()
                # Begun past SQLAlchemy, as one whose end it never saw.
                await raw.driver_connection.execute("BEGIN")
        await _write(application, "kept")
        async with application.state.database.reading() as connection:
            found = await connection.execute(text("SELECT type FROM outbox_events WHERE type = 'kept'"))
            assert found.all() == [("kept",)]


async def _write(application: FastAPI, kind: str) -> None:
    async with application.state.database.sessions() as session:
        await fetch(session, "INSERT INTO outbox_events (type, payload) VALUES ($1, '{}')", kind)
        await session.commit()
