"""Settings from AWS Secrets Manager, read from a stand-in by the real client."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.core.settings.aws import read_secrets
from app.core.settings.settings import SettingsError, load_database_settings, load_settings
from tests.conftest import ROOT

SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/([a-z0-9-]+)/secretsmanager/aws4_request,"
    r" SignedHeaders=[a-z0-9;-]*x-amz-target[a-z0-9;-]*, Signature=[0-9a-f]{64}"
)
GOOD = "b1946ac92492d2347c6235b4d2611184"
DATABASE = "postgresql://shop:b1946ac92492d234@db/shop"
ARN = "arn:aws:secretsmanager:ap-south-1:123456789012:secret:shop/database-AbCdEf"
HELD = {
    "shop/tokens": json.dumps({"JWT_SECRET": GOOD, "jwt_access_ttl": 600}),
    ARN: json.dumps({"DATABASE_URL": DATABASE}),
    "shop/text": "a password",
    "shop/list": json.dumps(["JWT_SECRET", GOOD]),
    "shop/unknown": json.dumps({"JWT_SECRT": GOOD}),
    "shop/deep": json.dumps({"JWT_SECRET": {"value": GOOD}}),
    "shop/again": json.dumps({"JWT_SECRET": GOOD}),
}


@dataclass
class Manager:
    """What the stand-in was asked: the names, and the regions that the signatures name."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)

    def answer(self, headers: dict[str, str], body: dict[str, str]) -> tuple[int, dict[str, str]]:
        """What Secrets Manager would answer; a request that is not signed is refused."""
        signed = SIGNED.fullmatch(headers.get("authorization", ""))
        if headers.get("x-amz-target") != "secretsmanager.GetSecretValue" or not signed:
            return 400, {"__type": "MissingAuthenticationTokenException", "message": "not signed"}
        name = body["SecretId"]
        self.asked.append(name)
        self.regions.append(signed[1])
        if name == "shop/denied":
            return 400, {"__type": "AccessDeniedException", "message": "User is not authorized"}
        if name not in HELD:
            return 400, {"__type": "ResourceNotFoundException", "message": "can't find the secret"}
        return 200, {"Name": name, "SecretString": HELD[name]}


@pytest.fixture
def manager() -> Iterator[Manager]:
    standing_in = Manager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = standing_in.answer(headers, body)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """The tests' output is no access log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        standing_in.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield standing_in
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def environment(manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Credentials, the stand-in, and no settings."""
    for name in (
        "DATABASE_URL",
        "REDIS_URL",
        "JWT_SECRET",
        "ENVIRONMENT",
        "AWS_PROFILE",
        "AWS_DEFAULT_REGION",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PUBLIC_URL", "https://shop.example.com")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-nobody")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_SECRETS_ENDPOINT", manager.url)
    # No other source of credentials: neither a profile of this machine nor its role.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)
    read_secrets.cache_clear()
    yield
    read_secrets.cache_clear()


def test_settings_come_from_the_secrets_that_are_named_and_are_read_once(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRETS", f"shop/tokens, {ARN}")
    settings = load_settings()
    assert settings.jwt.secret.get_secret_value() == GOOD
    assert settings.jwt.access_ttl == 600
    assert settings.database.url.get_secret_value() == DATABASE.replace("postgresql", "postgresql+asyncpg")
    # Migrations read no more than the database's settings.
    assert load_database_settings().url == settings.database.url
    assert {GOOD, "b1946ac92492d234"} <= set(settings.secret_values())
    assert manager.asked == ["shop/tokens", ARN]
    assert manager.regions == ["eu-central-1", "ap-south-1"]


def test_what_the_environment_a_file_or_the_env_file_says_goes_before(
    manager: Manager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "shop.env").write_text(
        f"AWS_SECRETS=shop/tokens\nJWT_ACCESS_TTL=601\nDATABASE_URL={DATABASE}\n"
    )
    monkeypatch.setenv("DOTENV", "shop.env")
    settings = load_settings()
    assert (settings.jwt.secret.get_secret_value(), settings.jwt.access_ttl) == (GOOD, 601)
    (tmp_path / "secret").write_text(GOOD[::-1])
    monkeypatch.setenv("JWT_SECRET_FILE", str(tmp_path / "secret"))
    assert load_settings().jwt.secret.get_secret_value() == GOOD[::-1]
    monkeypatch.setenv("JWT_SECRET", f"{GOOD}-by-variable")
    assert load_settings().jwt.secret.get_secret_value() == f"{GOOD}-by-variable"
    assert manager.asked == ["shop/tokens"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ("shop/nowhere", r"'shop/nowhere': ResourceNotFoundException \(can't find the secret\)"),
        ("shop/denied", r"'shop/denied': AccessDeniedException \(User is not authorized\)"),
        ("shop/text", "'shop/text' is no JSON object"),
        ("shop/list", "'shop/list' is no JSON object"),
        ("shop/unknown", "JWT_SECRT: no such setting"),
        ("shop/deep", "JWT_SECRET in 'shop/deep' is no text"),
        ("shop/tokens,shop/again", "JWT_SECRET stands in 'shop/again' and in another"),
    ],
)
def test_what_cannot_be_used_stops_the_start_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, names: str, says: str
) -> None:
    monkeypatch.setenv("AWS_SECRETS", names)
    with pytest.raises(SettingsError, match=f"^AWS_SECRETS: {says}") as refusal:
        load_settings()
    assert GOOD not in str(refusal.value)
    assert "a password" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("AWS_SECRETS_ENDPOINT", "http://127.0.0.1:1", "EndpointConnectionError"),
        ("AWS_ACCESS_KEY_ID", None, "NoCredentialsError"),
        ("AWS_REGION", None, "NoRegionError"),
    ],
)
def test_a_manager_that_cannot_be_asked_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, says: str
) -> None:
    monkeypatch.setenv("AWS_SECRETS", "shop/tokens")
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"^AWS_SECRETS: 'shop/tokens': {says}"):
        load_settings()


def test_the_command_that_shows_settings_hides_what_came_from_there(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRETS", f"shop/tokens,{ARN}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shown = subprocess.run(
        (sys.executable, "-m", "app.cli", "check-settings"), capture_output=True, text=True, check=True
    )
    assert "JWT_SECRET=**********" in shown.stdout
    assert GOOD not in shown.stdout + shown.stderr
    assert manager.asked == ["shop/tokens", ARN]


def test_without_the_setting_the_client_is_not_even_loaded() -> None:
    program = "import sys, app.main; print('botocore' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-c", program), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
