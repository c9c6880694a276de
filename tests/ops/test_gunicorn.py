import json
import re
from pathlib import Path

import httpx

from devstack.process import wait_until
from tests.gunicorn import StartGunicorn


def test_it_stops_gracefully_and_takes_its_folder_along(
    start_gunicorn: StartGunicorn, tmp_path: Path
) -> None:
    place = tmp_path / "memory"
    place.mkdir()
    server = start_gunicorn("--worker-tmp-dir", str(place), PROMETHEUS_MULTIPROC_DIR="")
    [folder] = place.glob("bookstore-metrics-*")
    assert list(folder.glob("counter_*.db"))
    assert server.stop() == 0
    assert not folder.exists()


def test_every_line_it_writes_is_json(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn()
    assert wait_until(lambda: server.said.count('"event":"started"') == 2, timeout=10)
    server.http.get("/version", headers={"X-Request-ID": "one-of-ours"})
    server.stop()
    lines = [json.loads(line) for line in server.said.splitlines()]
    events = [line["event"] for line in lines]
    assert any("Starting gunicorn" in event for event in events)
    assert events.count("stopped") == 2
    [request] = [line for line in lines if line.get("request_id") == "one-of-ours"]
    assert (request["route"], request["status"]) == ("/version", 200)


def test_a_wrong_setting_is_told_in_a_line(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn(is_awaited=False, JWT_SECRET="short")
    assert server.popen.wait(15) == 1
    [line] = server.said.splitlines()
    assert line.startswith("bookstore: JWT_SECRET must be")


def test_a_proxy_that_is_not_trusted_cannot_name_the_client(start_gunicorn: StartGunicorn) -> None:
    strict = start_gunicorn(FORWARDED_ALLOW_IPS="192.0.2.1", RATE_LIMIT_FACTOR="1")
    form = {"username": "nobody", "password": "Wrong-password-1!"}
    answers = [
        strict.http.post("/api/v1/auth/token", data=form, headers={"X-Forwarded-For": f"198.51.100.{n}"})
        for n in range(6)
    ]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_a_trusted_proxy_names_the_client(start_gunicorn: StartGunicorn) -> None:
    trusting = start_gunicorn(RATE_LIMIT_FACTOR="1")
    form = {"username": "nobody", "password": "Wrong-password-1!"}
    answers = [
        trusting.http.post("/api/v1/auth/token", data=form, headers={"X-Forwarded-For": f"203.0.113.{n}"})
        for n in range(6)
    ]
    assert [answer.status_code for answer in answers] == [401] * 6


def test_head_keeps_the_connection_and_is_logged_as_itself(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn()
    with httpx.Client(base_url=server.http.base_url, trust_env=False) as client:
        for path in ("/api/v1/books", "/api/v1/books", "/api/v1/books/999", "/metrics"):
            read = client.get(path)
            head = client.head(path, headers={"X-Request-ID": "head-of-ours"})
            assert (head.status_code, head.content) == (read.status_code, b"")
    server.stop()
    lines = [json.loads(line) for line in server.said.splitlines()]
    heads = [line for line in lines if line.get("request_id") == "head-of-ours"]
    assert [line["method"] for line in heads] == ["HEAD"] * 4
    assert [line["route"] for line in heads][2:] == ["/api/v1/books/{book_id}", "/metrics"]
    assert not [line for line in lines if line["level"] in {"error", "warning"}]


def test_workers_are_forked_with_all_of_their_code(start_gunicorn: StartGunicorn) -> None:
    # Else on a starved machine importing it would outlast the time-out of a worker, which would boot for ever.
    server = start_gunicorn(WEB_CONCURRENCY="2", PYTHONPROFILEIMPORTTIME="1")
    by_master, _, by_workers = server.said.partition("Booting worker")
    ours = r"\| +((?:app|httptools|uvicorn|uvloop|websockets)\b.*)$"
    assert "app.api" in re.findall(ours, by_master, re.MULTILINE)
    assert re.findall(ours, by_workers, re.MULTILINE) == []
