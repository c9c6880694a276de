"""Worker and scheduler tell what they do at a port of their own."""

import socket
from pathlib import Path

import httpx

from app.core.events.jobs import JOBS
from app.core.settings.backups import BackupSettings
from app.core.settings.settings import Settings
from app.ops.backups.age import new_key
from tests.gunicorn import parse
from tests.ports import free_port

from .conftest import Ask, RunningWorker, until


async def test_a_worker_tells_its_jobs_events_pools_and_lag(
    worker_settings: Settings, running_worker: RunningWorker, ask: Ask, tmp_path: Path
) -> None:
    port = free_port()
    limits = worker_settings.worker.model_copy(update={"metrics_port": port})
    place = {"url": tmp_path.as_uri(), "key": new_key()[0], "every": 6}
    backup = BackupSettings.model_validate(place)
    settings = worker_settings.model_copy(update={"worker": limits, "backup": backup})
    async with running_worker(settings, is_scheduling=True), httpx.AsyncClient(trust_env=False) as http:

        async def are_done() -> bool:
            return bool(await ask("SELECT count(*) FROM job_slots WHERE done_at IS NOT NULL") == len(JOBS))

        await until(are_done)
        metrics = parse((await http.get(f"http://127.0.0.1:{port}/metrics")).text)
    for job in JOBS:
        assert metrics["bookstore_job_runs_total", (("name", job), ("outcome", "ok"))] >= 1
        assert metrics["bookstore_job_duration_seconds_count", (("name", job),)] >= 1
        assert metrics["bookstore_job_last_success_timestamp_seconds", (("name", job),)] > 0
        assert metrics["bookstore_job_slots_opened_total", (("name", job),)] >= 1
    assert metrics["bookstore_event_attempts_total", (("outcome", "done"), ("type", "job.due"))] >= 1
    assert metrics["bookstore_backup_interval_seconds", (("kind", "dump"),)] == 6 * 3600
    assert metrics["bookstore_db_pool_size", (("pool", "write"),)] == 5
    assert metrics["bookstore_event_loop_lag_seconds_count", ()] >= 0
    assert metrics["bookstore_webhook_breakers_open", ()] == 0
    with socket.create_server(("127.0.0.1", port)):
        """The port is free again."""
