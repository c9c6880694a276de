import json
import re
from collections.abc import Iterator

import httpx
import pytest
from pydantic import BaseModel

from app.core.settings import Settings
from tests.conftest import ROOT

NGINX = (ROOT / "docker" / "nginx" / "default.conf.template").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
PROBLEMS_OF_NGINX = [(int(status), body) for status, body in re.findall(r"return (\d+) '(\{.*\})';", NGINX)]


@pytest.mark.parametrize(("status", "template"), PROBLEMS_OF_NGINX)
async def test_what_nginx_says_is_a_problem_that_the_api_explains(
    client: httpx.AsyncClient, status: int, template: str
) -> None:
    body = json.loads(template)
    assert set(body) == {"type", "title", "status", "detail", "code", "instance", "request_id"}
    page = (await client.get(body["type"])).json()
    assert (page["code"], page["status"], page["title"]) == (body["code"], status, body["title"])
    assert body["status"] == status


async def test_nginx_and_the_api_send_the_same_security_headers(client: httpx.AsyncClient) -> None:
    ours = (await client.get("/nowhere")).headers
    template = (ROOT / "docker" / "nginx" / "problem_headers.inc.template").read_text()
    for name, value in re.findall(r'^add_header (\S+) "?(.*?)"? always;$', template, re.MULTILINE):
        if name != "X-Request-ID":
            assert ours[name] == value


def test_every_setting_stands_in_the_example() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    wanted = {name for name, _ in _variables(Settings)}
    assert wanted - named == set()


def test_a_commented_line_shows_the_default() -> None:
    defaults = dict(_variables(Settings))
    for name, shown in re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE):
        if name in defaults and name not in {"CORS_ORIGINS", "DOCS_ENABLED"}:
            assert shown.lower() == defaults[name].lower(), name


def test_every_variable_of_the_stack_stands_in_the_example() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", COMPOSE)) - named == set()


def test_the_example_is_for_development_and_says_so() -> None:
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert given["ENVIRONMENT"] == "development"
    assert given["HTTP_BIND"] == "127.0.0.1"
    assert given["JWT_SECRET"] == "development-only-secret-do-not-use-in-production"


def test_only_nginx_is_reached_from_outside() -> None:
    [published] = re.finditer(r"^    ports:$", COMPOSE, re.MULTILINE)
    services = [
        found
        for found in re.finditer(r"^  (\w+):$", COMPOSE, re.MULTILINE)
        if found.start() < published.start()
    ]
    assert services[-1][1] == "nginx"
    assert "location = /metrics {\n        return 404;" in NGINX


def _variables(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            yield from _variables(type(default), f"{prefix}{name.upper()}_")
        else:
            yield f"{prefix}{str(field.validation_alias or name).upper()}", _shown(default)


def _shown(default: object) -> str:
    secret = getattr(default, "get_secret_value", None)
    return str(secret()) if secret else "" if default is None else str(default)
