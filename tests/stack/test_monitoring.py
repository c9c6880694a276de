"""Prometheus beside the stack: its rules are right, and it reaches every process that tells something."""

import json

from tests.conftest import ROOT
from tests.stack.stack import Stack, docker, eventually

_IMAGE = "prom/prometheus:v3.5.0"


def promtool(*arguments: str) -> str:
    mount = f"{ROOT / 'docker' / 'prometheus'}:/etc/prometheus:ro"
    return docker("run", "--rm", "-v", mount, "--entrypoint", "promtool", _IMAGE, *arguments)


def test_promtool_finds_configuration_and_rules_right() -> None:
    promtool("check", "config", "/etc/prometheus/prometheus.yml")


def test_the_rules_do_what_their_tests_say() -> None:
    promtool("test", "rules", "/etc/prometheus/tests/rules_test.yml")


def test_prometheus_reaches_every_api_worker_and_scheduler(stack: Stack) -> None:
    stack.compose("--profile", "monitoring", "up", "--detach", "--wait", "--no-deps", "prometheus")

    def answering() -> dict[str, int]:
        query = "count by (job) (up{job=~'fastapi|worker|scheduler'} == 1)"
        told = stack.execute(
            "prometheus", "promtool", "query", "instant", "-o", "json", "http://localhost:9090", query
        )
        return {one["metric"]["job"]: int(one["value"][1]) for one in json.loads(told)}

    expected = {job: len(stack.containers(service)) for job, service in _PROCESSES.items()}
    eventually(lambda: answering() == expected, within=90, what=f"{expected} answer Prometheus")
    stack.compose("--profile", "monitoring", "rm", "--stop", "--force", "prometheus")


_PROCESSES = {"fastapi": "api", "worker": "worker", "scheduler": "scheduler"}
