"""`make run`, with servers that really start: stop, kill -9, second start, taken port, odd paths."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from devstack.process import command_line, wait_until
from tests.devstack.conftest import Place


def everything_ended(place: Place, pids: dict[str, int]) -> bool:
    return wait_until(
        lambda: not any(str(place.root) in command_line(pid) for pid in pids.values()), timeout=30
    )


def test_ctrl_c_of_a_terminal_stops_everything_and_the_data_stays(place: Place) -> None:
    first = place.start()
    assert first.is_ready(), first.said
    pids = place.pids()
    assert set(pids) == {"supervisor", "api", "postgres", "redis"}
    assert first.signal_group(signal.SIGINT) == 0
    assert everything_ended(place, pids)
    assert "Traceback" not in first.said
    second = place.start()
    assert second.is_ready(), second.said
    assert "start 2 2" in second.said


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_supervisor_alone_stops_everything(place: Place, sign: signal.Signals) -> None:
    start = place.start()
    assert start.is_ready(), start.said
    pids = place.pids()
    assert start.signal_alone(sign) == 0
    assert everything_ended(place, pids)


def test_a_signal_while_it_starts_leaves_nothing(place: Place) -> None:
    start = place.start()
    assert wait_until(lambda: "redis" in place.pids(), timeout=10)
    assert start.signal_alone(signal.SIGTERM) == 0
    assert everything_ended(place, place.pids())


@pytest.mark.parametrize("victims", [["supervisor"], ["supervisor", "api", "postgres", "redis"]])
def test_start_after_kill_9_recovers(place: Place, victims: list[str]) -> None:
    killed = place.start()
    assert killed.is_ready(), killed.said
    pids = place.pids()
    for victim in victims:
        os.kill(pids[victim], signal.SIGKILL)
    killed.popen.wait(10)
    again = place.start()
    assert again.is_ready(), again.said
    assert "start 2" in again.said


def test_number_of_a_stranger_in_postmaster_pid_harms_neither(place: Place) -> None:
    first = place.start()
    assert first.is_ready(), first.said
    first.signal_alone(signal.SIGTERM)
    with subprocess.Popen(("/bin/sleep", "30")) as stranger:
        (place.local / "postgres" / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n/elsewhere\n")
        second = place.start()
        assert second.is_ready(), second.said
        assert stranger.poll() is None
        stranger.kill()


def test_second_start_in_one_checkout_is_refused_and_harms_nothing(place: Place) -> None:
    first = place.start()
    assert first.is_ready(), first.said
    pids = place.pids()
    second = place.start()
    assert second.popen.wait(120) == 1
    assert f"runs already, as process {first.popen.pid}" in second.said
    assert place.pids() == pids
    assert first.popen.poll() is None


def test_taken_port_is_named_before_any_server_starts(place: Place, tmp_path: Path) -> None:
    first = place.start()
    assert first.is_ready(), first.said
    (tmp_path / "other").mkdir()
    other = Place(tmp_path / "other", place.port)
    refused = other.start()
    assert refused.popen.wait(120) == 1
    assert f"127.0.0.1:{place.port} is taken" in refused.said
    assert not (other.local / "redis").exists()


def test_a_server_that_ends_by_itself_stops_the_rest(place: Place) -> None:
    start = place.start()
    assert start.is_ready(), start.said
    pids = place.pids()
    os.kill(pids["redis"], signal.SIGKILL)
    assert start.popen.wait(120) == 1
    assert "redis ended by itself" in start.said
    assert everything_ended(place, pids)


@pytest.mark.parametrize("place", ["a path that is too long for a socket " * 4], indirect=True)
def test_checkout_with_a_path_too_long_for_a_socket(place: Place) -> None:
    start = place.start()
    assert start.is_ready(), start.said


def test_data_of_another_major_version_is_named(place: Place) -> None:
    data = place.local / "postgres" / "data"
    first = place.start()
    assert first.is_ready(), first.said
    first.signal_alone(signal.SIGTERM)
    (data / "PG_VERSION").write_text("17\n")
    second = place.start()
    assert second.popen.wait(120) == 1
    assert "was made by PostgreSQL 17; this checkout brings PostgreSQL 18" in second.said


def test_database_url_in_the_environment_replaces_the_embedded_one(place: Place) -> None:
    start = place.start(DATABASE_URL="postgresql+asyncpg://nobody@/none?host=/nonexistent")
    assert start.popen.wait(120) == 1
    assert "The step 'count' failed" in start.said
    assert not (place.local / "postgres").exists()


def test_a_changed_file_starts_the_services_again_and_a_broken_one_waits_for_the_next_change(
    place: Place,
) -> None:
    sources = place.root / "sources"
    sources.mkdir()
    start = place.start()
    assert start.is_ready(), start.said
    before = place.pids()

    (sources / "book.py").write_text("TITLE = 'Momo'\n")
    assert wait_until(lambda: start.said.count("the shop opens") == 2, timeout=120), start.said
    assert "started api again" in start.said
    after = place.pids()
    assert {name for name in before if before[name] != after[name]} == {"api"}

    os.kill(after["api"], signal.SIGKILL)
    assert not wait_until(lambda: start.popen.poll() is not None, timeout=1)
    (sources / "book.py").write_text("TITLE = 'The Neverending Story'\n")
    assert wait_until(lambda: start.said.count("the shop opens") == 3, timeout=120), start.said

    assert start.signal_alone(signal.SIGTERM) == 0
    assert everything_ended(place, place.pids())
