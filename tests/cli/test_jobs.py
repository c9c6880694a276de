"""`bookstore jobs …`: the same as `/admin/jobs`, on the command line."""

import json

import pytest

from tests.cli.conftest import Run
from tests.cli.test_reconcile import tell


@pytest.fixture
def _arranged(environment: pytest.MonkeyPatch, empty_database_url: str) -> None:
    del environment
    tell(
        empty_database_url,
        "INSERT INTO job_slots (job, slot, every, started_at, done_at, seconds, rows)"
        " VALUES ('hourly', '2026-11-30T12:00Z', '1 hour', now(), now(), 0.25, 1234)",
        "INSERT INTO job_slots (job, slot, every, started_at, seconds, failures, error)"
        " VALUES ('hourly', '2026-11-30T11:00Z', '1 hour', now(), 1, 2, 'ValueError')",
        "INSERT INTO dead_letters (id, type, payload, error, created_at)"
        """ SELECT n, 'test.dead', '{"token": "abc", "n": 1}', 'OSError', now() FROM generate_series(1, 3) AS n""",
        "INSERT INTO dead_letters (id, type, payload, error, created_at)"
        " VALUES (4, 'test.other', '{}', 'OSError', now())",
    )


@pytest.mark.usefixtures("_arranged")
def test_jobs_and_events_are_listed(run: Run) -> None:
    listed = run("jobs", "list")
    assert listed.exit_code == 0, listed.output
    [line] = [line for line in listed.stdout.splitlines() if "hourly" in line]
    assert all(part in line for part in ("done", "0.25", "1,234", "2026-11-30 13:00:00Z"))
    assert json.loads(run("jobs", "list", "--json").stdout)["jobs"][0]["name"] == "hourly"

    shown = run("jobs", "show", "hourly")
    assert "ValueError" in shown.stdout
    assert len(json.loads(run("jobs", "show", "hourly", "--json").stdout)["runs"]) == 2
    unknown = run("jobs", "show", "nothing")
    assert (unknown.exit_code, unknown.stderr) == (1, "bookstore: There is no job nothing.\n")

    counted = run("jobs", "events")
    assert [line.split("│")[4].strip() for line in counted.stdout.splitlines() if "test." in line] == [
        "3",
        "1",
    ]
    assert json.loads(run("jobs", "events", "--json").stdout)["types"]


@pytest.mark.usefixtures("_arranged")
def test_dead_letters_are_shown_retried_and_discarded(run: Run) -> None:
    listed = run("jobs", "dead-letters", "--type", "test.dead", "--limit", "2")
    assert "2 of 3" in listed.stdout
    shown = json.loads(run("jobs", "dead-letter", "1").stdout)
    assert shown["payload"] == {"token": "[redacted]", "n": 1}

    assert "1 to be tried again" in run("jobs", "retry", "1").stdout
    again = run("jobs", "retry", "1")
    assert (again.exit_code, again.stderr) == (1, "bookstore: There is no dead letter 1.\n")
    assert "2 to be tried again" in run("jobs", "retry", "--type", "test.dead").stdout
    assert run("jobs", "retry").exit_code == 2
    assert run("jobs", "retry", "2", "--type", "x").exit_code == 2

    assert run("jobs", "discard", "4", " ").exit_code == 1
    for command in (["retry"], ["discard", "--"], ["dead-letter"]):
        assert run("jobs", *command, str(2**63), *["why"] * ("discard" in command)).exit_code == 2
    assert "4 is discarded" in run("jobs", "discard", "4", "nobody needs it").stdout
    assert json.loads(run("jobs", "dead-letters", "--json").stdout)["total"] == 0
    [line] = [line for line in run("jobs", "events").stdout.splitlines() if "test." in line]
    assert line.split("│")[2].strip() == "3"
