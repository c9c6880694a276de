"""When backups are made, which are kept, and how old the last one is said to be."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.core.clock import utc_now
from app.core.events.events import Delivery
from app.core.events.jobs import JobDue, run_job
from app.core.settings.backups import BackupSettings
from app.core.storage.storage import make_storage
from app.ops.backups.jobs import BackupDue, back_up
from app.ops.backups.manifest import Manifest, Part, is_name, new_name
from app.ops.backups.rotation import expired
from app.ops.backups.target import BackupTarget
from tests.conftest import INTERNAL_PORT, client_of, running_app
from tests.gunicorn import parse

from .conftest import OpenShop, Shop, context_of

DUE = Delivery(1, 1, BackupDue.type, {}, "", datetime(2026, 1, 1, tzinfo=UTC))
NEW_YEAR = datetime(2027, 1, 1, 3, tzinfo=UTC)


def made_at(moment: datetime) -> Manifest:
    part = Part(name="database.dump.age", size=1, sha256="")
    return Manifest(
        name=new_name(moment),
        release="1",
        schema_heads=("0001",),
        postgresql="18",
        snapshot_at=moment,
        finished_at=moment,
        recipient="age1",
        database=part,
        files=None,
        file_count=0,
        rows={},
    )


def kept_of(days: int, **keep: int) -> list[str]:
    """The days that are kept of one backup a day, the newest first."""
    backups = [made_at(NEW_YEAR - timedelta(days=day)) for day in range(days)]
    gone = {one.name for one in expired(backups, BackupSettings(**keep))}
    return [f"{one.snapshot_at:%m-%d}" for one in backups if one.name not in gone]


def test_days_weeks_and_months_are_kept() -> None:
    kept = kept_of(400, keep_daily=3, keep_weekly=2, keep_monthly=3)

    assert kept == ["01-01", "12-31", "12-30", "12-27", "11-30"]


def test_the_newest_is_always_kept_and_the_last_of_a_day_speaks_for_it() -> None:
    assert kept_of(10, keep_daily=0, keep_weekly=0, keep_monthly=0) == ["01-01"]
    hourly = [made_at(NEW_YEAR + timedelta(hours=hour)) for hour in range(20)]
    gone = expired(hourly, BackupSettings(keep_daily=2))
    assert [one.name for one in gone] == [one.name for one in hourly[:-1]]


async def test_a_clock_that_was_ahead_neither_stops_backups_nor_costs_the_last_one(
    shop: Shop, open_shop: OpenShop
) -> None:
    once = open_shop(
        shop.settings.database.url.get_secret_value(), keep_daily=1, keep_weekly=0, keep_monthly=0
    )
    ahead = await once.back_up()
    await once.tell("UPDATE last_backup SET snapshot_at = snapshot_at + interval '1 year'")
    later = ahead.model_copy(update={"snapshot_at": ahead.snapshot_at + timedelta(days=365)})
    await BackupTarget(once.settings.backup).finish(later)

    for _ in range(2):
        async with context_of(once) as context:
            await back_up(context, BackupDue(), DUE)

    newest, made = await once.backups()
    assert newest == later
    assert timedelta() <= utc_now() - made.finished_at < timedelta(hours=1)
    assert await once.ask("SELECT name FROM last_backup") == made.name


def test_names_sort_by_time_and_lead_nowhere_else() -> None:
    first, second = (new_name(NEW_YEAR + timedelta(seconds=n)) for n in range(2))
    assert first < second
    assert is_name(first)
    assert not any(is_name(name) for name in ("..", "20270101T030000Z-../etc", "", f"{first}/x"))


async def test_the_job_asks_and_the_worker_makes_one_when_it_is_due(shop: Shop, open_shop: OpenShop) -> None:
    await shop.tell("INSERT INTO job_slots (job, slot) VALUES ('backup', '2027-01-01T03:00Z')")
    async with context_of(shop) as context:
        await run_job(context, JobDue("backup", NEW_YEAR.isoformat()), DUE)
        for _ in range(2):
            await back_up(context, BackupDue(), DUE)
    assert len(await shop.backups()) == 1
    assert await shop.ask("SELECT count(*) FROM outbox_events WHERE type = 'backup.due'") == 1

    await shop.tell("UPDATE last_backup SET snapshot_at = snapshot_at - interval '23 hours 56 minutes'")
    async with context_of(shop) as context:
        await back_up(context, BackupDue(), DUE)
    assert await shop.ask("SELECT snapshot_at > now() - interval '1 hour' FROM last_backup")
    # One a day is kept, so the second took the place of the first.
    assert len(await shop.backups()) == 1

    off = open_shop(shop.settings.database.url.get_secret_value(), url="")
    await shop.tell("DELETE FROM last_backup")
    async with context_of(off) as context:
        await back_up(context, BackupDue(), DUE)
    assert await shop.ask("SELECT count(*) FROM last_backup") == 0


async def test_a_failure_is_logged_and_left_to_the_next_hour(
    shop: Shop, open_shop: OpenShop, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = open_shop(shop.settings.database.url.get_secret_value(), pg_bin="/nowhere")

    async with context_of(lost) as context:
        await back_up(context, BackupDue(), DUE)

    assert "backup_failed" in capsys.readouterr().out
    assert await shop.ask("SELECT count(*) FROM last_backup") == 0


async def test_the_age_is_a_metric_and_in_the_details_of_health(shop: Shop) -> None:
    settings = shop.settings
    async with running_app(settings) as application, client_of(application) as http:
        assert await shown(http, "age") == "nan"
        assert await shown(http, "interval") == "86400.0"
        await shop.back_up()
        await shop.tell("UPDATE last_backup SET snapshot_at = now() - interval '2 hours'")
        assert 7200 <= float(await shown(http, "age")) < 7300
        inside = client_of(application, base_url=f"http://testserver:{INTERNAL_PORT}")
        async with inside:
            background = (await inside.get("/health")).json()["background"]
    assert 7200 <= background["backup_age_s"] < 7300


async def test_whoever_makes_no_backups_says_so(shop: Shop, open_shop: OpenShop) -> None:
    off = open_shop(shop.settings.database.url.get_secret_value(), url="", every=6)
    async with running_app(off.settings) as application, client_of(application) as http:
        assert await shown(http, "interval") == "0.0"


async def test_base_backups_of_the_log_have_an_age_of_their_own(shop: Shop) -> None:
    async with running_app(shop.settings) as application, client_of(application) as http:
        assert (await shown(http, "interval", "base"), await shown(http, "age", "base")) == ("0.0", "nan")
        database = await shop.ask("SELECT current_database()")
        await shop.tell(f"ALTER DATABASE \"{database}\" SET bookstore.base_backup_every = '12h'")
        # As `wal base` does; tests/ops/backups/test_wal.py has it do so.
        await shop.tell(
            "INSERT INTO last_backup (name, snapshot_at, finished_at, size)"
            " VALUES ('base-1', now() - interval '2 hours', now(), 1)"
        )
    async with running_app(shop.settings) as application, client_of(application) as http:
        assert await shown(http, "interval", "base") == "43200.0"
        assert 7200 <= float(await shown(http, "age", "base")) < 7300
        assert await shown(http, "age") == "nan"
        await shop.back_up()
        assert 0 <= float(await shown(http, "age")) < 100
        assert 7200 <= float(await shown(http, "age", "base")) < 7300


async def shown(http: httpx.AsyncClient, what: str, kind: str = "dump") -> str:
    metrics = parse((await http.get("/metrics")).text)
    return str(metrics[f"bookstore_backup_{what}_seconds", (("kind", kind),)])


async def test_what_is_no_backup_is_left_alone(shop: Shop) -> None:
    """Whatever else lies at BACKUP_URL is somebody's."""
    target = make_storage(shop.settings.backup)
    await target.put("notes/manifest.json", b"{}")
    await target.put("wal/000000010000000000000001", b"wal")

    made = await shop.back_up()

    assert await shop.backups() == [made]
    assert await target.read("wal/000000010000000000000001") == b"wal"
    assert utc_now() - made.finished_at < timedelta(hours=1)
