"""What the files under `deploy/` name is there: settings, commands, ports, probes, paths, images."""

import json
import re
from pathlib import Path

import pytest
import typer.main
from fastapi import FastAPI

from app.cli.main import cli
from tests.conftest import ROOT
from tests.deploy.files import (
    DEPLOY,
    TEMPLATES,
    UNITS,
    YAML,
    commands,
    documents,
    nodes,
    processes,
    programs,
    unit_variables,
    variables,
)

OF_THE_APPLICATION = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
OF_OTHERS = {
    "DOTENV",
    "PYTHONPATH",
    "PYTHONDONTWRITEBYTECODE",
    "POSTGRES_PASSWORD_FILE",
    "REDIS_PASSWORD_FILE",
}
OF_THE_STACK = variables(ROOT / "docker-compose.yml")
COMMANDS = set(typer.main.get_command(cli).commands)  # type: ignore[attr-defined]  # a group of commands
BASE = DEPLOY / "kubernetes" / "base"


def _unknown(names: set[str]) -> set[str]:
    files = {f"{name}_FILE" for name in OF_THE_APPLICATION}
    return names - OF_THE_APPLICATION - files - OF_OTHERS - OF_THE_STACK


@pytest.mark.parametrize("path", YAML, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_variable_is_a_setting_and_every_command_is_there(path: Path) -> None:
    assert _unknown(variables(path)) == set()
    assert commands(path) <= COMMANDS


def test_the_reader_finds_what_each_platform_names() -> None:
    given = {path.parent.name: variables(path) for path in YAML if path.name != "kustomization.yaml"}
    assert "DATABASE_URL" in given["ecs"] & given["lambda"] & given["digitalocean"]
    assert {"DATABASE_URL_FILE", "POSTGRES_PASSWORD_FILE"} <= given["swarm"]
    assert {"DATABASE_URL_FILE", "JWT_SECRET_FILE"} <= variables(BASE / "api.yaml")
    assert {"PUBLIC_URL", "INTERNAL_PORT"} <= variables(BASE / "kustomization.yaml")
    for name in ("ecs/template.yaml", "swarm/stack.yml", "digitalocean/app.yaml"):
        assert commands(DEPLOY / name) >= {"worker", "scheduler", "migrate"}
    assert {"worker", "scheduler", "migrate"} <= set().union(
        *(commands(BASE / f"{name}.yaml") for name in ("worker", "scheduler", "migrate"))
    )


def test_a_name_that_is_no_setting_is_found() -> None:
    assert _unknown({"DATABASE_URI", "JWT_SECRET_FILES", "REDIS_URL_FILE"}) == {
        "DATABASE_URI",
        "JWT_SECRET_FILES",
    }


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_of_systemd_starts_what_is_there(unit: Path) -> None:
    text = unit.read_text()
    [command] = re.findall(r"^ExecStart=/opt/bookstore/current/\.venv/bin/(.*)$", text, re.MULTILINE)
    assert command == "gunicorn -c gunicorn.conf.py" or _cli_command(command) in COMMANDS
    assert _unknown(unit_variables(unit)) == set()
    units = {path.name for path in (DEPLOY / "vm" / "systemd").iterdir()} | {"network-online.target"}
    assert set(re.findall(r"[\w-]+\.(?:service|socket)\b", text)) <= units


def test_supervisor_starts_what_systemd_starts() -> None:
    started = {name: program["command"] for name, program in programs().items()}
    assert started.keys() == {"api", "worker", "scheduler"}
    for name in ("worker", "scheduler"):
        assert _cli_command(started[name]) == name
    socket = (DEPLOY / "vm" / "systemd" / "bookstore-api.socket").read_text()
    bound = re.findall(r"--bind (?:unix:)?(\S+)", started["api"])
    assert bound == re.findall(r"^ListenStream=(.*)$", socket, re.MULTILINE)
    given = {name for each in programs().values() for name in re.findall(r"([A-Z_]+)=", each["environment"])}
    assert _unknown(given) == set()


def test_nginx_on_a_machine_takes_what_the_one_of_the_stack_takes() -> None:
    text = (DEPLOY / "vm" / "nginx" / "bookstore.conf").read_text()
    stack = "".join(path.read_text() for path in (ROOT / "docker" / "nginx").glob("*.template"))
    socket = (DEPLOY / "vm" / "systemd" / "bookstore-api.socket").read_text()
    assert re.findall(r"server unix:(\S+)", text)[0] in socket
    assert set(re.findall(r"client_max_body_size (\w+);", text)) == set(
        re.findall(r"client_max_body_size ([1-9]\w*);", stack)
    )
    for problem in re.findall(r"return \d+ '(\{.*\})';", text):
        assert f'"type":"{json.loads(problem)["type"]}"' in stack


def test_the_example_of_a_machines_settings_names_settings() -> None:
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "vm" / "bookstore.env").read_text(), re.MULTILINE))
    assert _unknown(set(given)) == set()
    assert given["ENVIRONMENT"] == "production"
    # systemd would take quotes away, the application too, but a shell's rules are neither's.
    assert not any('"' in value or "'" in value for value in given.values())


def test_heroku_starts_what_is_there() -> None:
    started = processes()
    assert started.keys() == {"release", "web", "worker", "scheduler"}
    assert started["web"].endswith("gunicorn -c gunicorn.conf.py")
    assert [_cli_command(started[name]) for name in ("release", "worker", "scheduler")] == [
        "migrate",
        "worker",
        "scheduler",
    ]
    app = json.loads((DEPLOY / "heroku" / "app.json").read_text())
    assert _unknown(set(app["env"])) == set()
    assert set(app["formation"]) == started.keys() - {"release"}
    listed = (DEPLOY / "heroku" / "requirements.txt").read_text().split()
    assert (ROOT / listed[1]).exists()


async def test_every_probe_asks_what_the_api_answers(app: FastAPI) -> None:
    served = {getattr(route, "path", "") for route in app.routes}
    asked = [
        (node.get("path") or node.get("http_path"), str(node["port"]))
        for path in YAML
        for node in nodes(documents(path))
        if node.keys() >= {"path", "port"} or node.keys() >= {"http_path", "port"}
    ]
    asked += [
        (node["HealthCheckPath"], node["HealthCheckPort"])
        for path in TEMPLATES
        for node in nodes(documents(path))
        if "HealthCheckPath" in node
    ]
    assert len(asked) == 6
    assert {path for path, _ in asked} == {"/health/live", "/health/ready"} <= served
    assert {port for _, port in asked} <= {"internal", "8000", "8001"}


def test_kubernetes_names_what_its_files_hold() -> None:
    manifests = [document for path in sorted(BASE.glob("*.yaml")) for document in documents(path)]
    [kustomization] = [each for each in manifests if each["kind"] == "Kustomization"]
    assert {*kustomization["resources"], "kustomization.yaml"} == {path.name for path in BASE.glob("*.yaml")}
    named = {(each["kind"], each["metadata"]["name"]) for each in manifests if "metadata" in each}
    for each in manifests:
        if each["kind"] == "HorizontalPodAutoscaler":
            target = each["spec"]["scaleTargetRef"]
            assert (target["kind"], target["name"]) in named
        for node in nodes(each):
            if isinstance(service := node.get("service"), dict):
                assert ("Service", service["name"]) in named
    labels = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in manifests
        if "template" in each.get("spec", {})
    ]
    for each in manifests:
        chosen = each.get("spec", {}).get("podSelector") or each.get("spec", {}).get("selector")
        chosen = chosen.get("matchLabels", chosen) if chosen else None
        if chosen and each["metadata"]["name"] != "bookstore-nowhere":
            assert any(chosen.items() <= label.items() for label in labels), each["metadata"]["name"]


def test_nothing_of_kubernetes_runs_as_root_or_writes_to_its_image() -> None:
    for name in ("api", "worker", "scheduler", "migrate"):
        [pod, *_] = [node for node in nodes(documents(BASE / f"{name}.yaml")) if "containers" in node]
        assert pod["securityContext"]["runAsNonRoot"] is True
        [container] = pod["containers"]
        assert container["image"] == "bookstore"
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            volume["name"] for volume in pod["volumes"]
        }


def test_cloudformation_has_no_aliases_which_it_refuses() -> None:
    for path in TEMPLATES:
        assert not re.search(r"[:\[,-] \*\w+", path.read_text())


def _cli_command(command: str) -> str:
    found = re.fullmatch(r".*python -m app\.cli (\S+)", command)
    assert found is not None, command
    return found[1]
