import json
import re
from collections.abc import Iterator

import httpx
import pytest
import yaml
from pydantic import BaseModel

from app.catalog.documents.forms import ALL_FILES as ALL_DOCUMENTS
from app.catalog.pictures.forms import ALL_FILES, ONE_FILE
from app.core.settings.settings import Settings
from app.ops.errors import Draining
from tests.conftest import ROOT

NGINX = (ROOT / "docker" / "nginx" / "default.conf.template").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
PROBLEMS = (ROOT / "docker" / "nginx" / "problems.inc.template").read_text()
PROBLEMS_OF_NGINX = [
    (int(status), body) for status, body in re.findall(r"return (\d+) '(\{.*\})';", PROBLEMS)
]


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
        assert name.lower() in ours
        if name not in {"X-Request-ID", "X-Process-Time"}:
            assert ours[name] == value


def test_every_setting_stands_in_the_example() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    wanted = {name for name, _ in _variables(Settings)}
    assert wanted - named == set()


def test_a_commented_line_shows_the_default() -> None:
    defaults = dict(_variables(Settings))
    for name, shown in re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE):
        if name in defaults and name not in {"CORS_ORIGINS", "DOCS_ENABLED"}:
            default = "" if defaults[name] == "()" else defaults[name]
            assert shown.lower() == default.lower(), name


def test_every_variable_of_the_stack_stands_in_the_example() -> None:
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    for file in (COMPOSE, (ROOT / "docker" / "compose.wal.yml").read_text()):
        assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", file)) - named == set()


def test_the_example_is_for_development_and_says_so() -> None:
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert given["ENVIRONMENT"] == "development"
    assert given["HTTP_BIND"] == "127.0.0.1"
    assert given["JWT_SECRET"] == "development-only-secret-do-not-use-in-production"


def test_only_nginx_is_reached_from_outside() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(published) == {"nginx", "grafana"}
    assert all(port.startswith("127.0.0.1:") for port in published["grafana"])
    assert "location = /metrics {\n        return 404;" in NGINX


def test_every_service_says_whether_it_is_well() -> None:
    assert "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text()
    services = yaml.safe_load(COMPOSE)["services"]
    silent = {name for name, service in services.items() if "healthcheck" not in service}
    assert silent == {"api"}, "which has the image's"
    # Those that end have none to have.
    disabled = {name for name, service in services.items() if service.get("healthcheck", {}).get("disable")}
    assert disabled == {"certificate", "migrate"}


def test_no_log_of_the_stack_repeats_rows_or_queries() -> None:
    assert "--config-file=/etc/postgresql/postgresql.conf" in COMPOSE
    assert "\nlog_error_verbosity = terse\n" in (ROOT / "docker" / "postgres" / "postgresql.conf").read_text()
    assert "error_log /dev/stderr emerg;" in NGINX
    assert "$request_uri" not in NGINX.split("log_format", 1)[1].split(";", 1)[0]


def test_nobody_but_the_migration_gets_the_owner_of_the_database() -> None:
    owner = re.findall(
        r"^  (\w[\w-]*):\n(?:(?!^  \w).*\n)*?.*DATABASE_OWNER_URL: postgresql", COMPOSE, re.MULTILINE
    )
    assert owner == ["migrate"]
    [shared] = re.findall(r"^x-api: &api\n(?:.*\n)*?\n", COMPOSE, re.MULTILINE)
    assert "DATABASE_URL: postgresql+asyncpg://bookstore_app:${POSTGRES_APP_PASSWORD-}@" in shared
    # The example is read whole by every service; only what is set here goes before it.
    assert 'POSTGRES_PASSWORD: ""' in shared


def test_whoever_makes_backups_or_brings_them_back_can_reach_a_bucket() -> None:
    guide = (ROOT / "docs" / "backups.md").read_text()
    services = yaml.safe_load(COMPOSE)["services"]
    [restoring] = re.findall(r"docker compose run .*?(\w+) bookstore restore$", guide, re.MULTILINE)
    for name in ("worker", restoring):
        assert "out" in services[name]["networks"], name


def test_nginx_does_not_lead_to_the_internal_port() -> None:
    [internal] = re.findall(r'INTERNAL_PORT: "(\d+)"', COMPOSE)
    [public] = re.findall(r'API_PORT: "(\d+)"', COMPOSE)
    assert internal != public
    for file in (ROOT / "docker" / "nginx").iterdir():
        assert internal not in file.read_text(), file


def test_the_balancer_knows_by_its_code_who_drains() -> None:
    script = (ROOT / "docker" / "nginx" / "balance").read_text()
    assert f"*'\"{Draining.code}\"'*' {Draining.status} '*) state=draining" in script


def test_nginx_passes_what_is_long_on_as_it_arrives_and_stores_none_of_it() -> None:
    for path in ("/api/v1/admin/imports", "/api/v1/books/7/cover", "/api/v1/uploads"):
        assert "proxy_request_buffering off;" in _location(path)
    # Downloads say so themselves, by X-Accel-Buffering; here they get the patience that they need.
    for path in (
        "/api/v1/admin/exports",
        "/api/v1/admin/imports/7/errors.csv",
        "/api/v1/admin/audit/export.ndjson",
    ):
        assert "send_timeout 60s;" in _location(path)


def test_nginx_compresses_no_answer_with_secrets() -> None:
    assert "gzip off;" in _location("/api/v1/auth/token")


def test_nginx_lets_every_body_pass_that_the_api_takes() -> None:
    for path, most in (
        (
            "/api/v1/admin/imports",
            Settings.model_fields["imports"].get_default(call_default_factory=True).max_size,
        ),
        ("/api/v1/books/7/cover", ONE_FILE / 2**20),
        ("/api/v1/items/7/pictures/2", ONE_FILE / 2**20),
        ("/api/v1/uploads/documents", ALL_DOCUMENTS / 2**20),
        ("/api/v1/items", ALL_FILES / 2**20),
        ("/api/v1/books", ALL_FILES / 2**20),
        ("/api/v1/uploads", ALL_FILES / 2**20),
    ):
        limit = re.search(r"client_max_body_size (\d+)m;", _location(path))
        assert limit is not None
        assert int(limit[1]) >= most


def test_nginx_keeps_lists_though_what_is_listed_may_come_with_pictures() -> None:
    for path in ("/api/v1/items", "/api/v1/books"):
        assert "proxy_cache catalogue;" in _location(path)
    assert NGINX.count("proxy_cache catalogue;") == 2


def test_nginx_keeps_nothing_of_a_caller_who_says_who_they_are() -> None:
    kept = re.search(r"proxy_no_cache (.*);", NGINX)
    asked = re.search(r"proxy_cache_bypass (.*);", NGINX)
    assert kept is not None
    assert asked is not None
    told = {"$http_authorization", "$http_x_api_key", "$http_cookie"}
    # Whoever has a tag may have written since, and must not meet it again.
    assert set(asked[1].split()) == told | {"$http_if_none_match"}
    assert set(kept[1].split()) == {*told, "$is_private", "$upstream_http_ratelimit"}
    # Searches are not kept, so that none waits for an equal one; elsewhere nobody waits for long.
    for path in ("/api/v1/search", "/api/v1/suggest", "/api/v1/books/facets"):
        assert "proxy_cache" not in _location(path)
    assert "proxy_cache_lock_timeout 50ms;" in NGINX


def test_api_and_worker_see_the_same_files() -> None:
    [shared] = re.findall(r"^x-api: &api\n(?:.*\n)*?\n", COMPOSE, re.MULTILINE)
    assert "- storage:/srv/storage" in shared
    assert "STORAGE_URL: ${STORAGE_URL:-file:///srv/storage}" in shared
    for service in ("api", "worker"):
        block = COMPOSE.split(f"\n  {service}:\n")[1].split("\n\n")[0]
        assert "<<: *api" in block
        assert "volumes:" not in block
    assert "install -d -o 10001 -g 10001 /srv/mail /srv/storage" in (ROOT / "Dockerfile").read_text()


def _location(path: str) -> str:
    """The block that Nginx would choose for the path, among those with `=`, `^~` or `~`."""
    for kind, pattern, block in re.findall(
        r"^    location (=|\^~|~) (\S+) \{\n((?:        .*\n)*)    \}", NGINX, re.MULTILINE
    ):
        found = {"=": path == pattern, "^~": path.startswith(pattern), "~": re.search(pattern, path)}
        if found[kind]:
            return str(block)
    raise AssertionError(path)


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
