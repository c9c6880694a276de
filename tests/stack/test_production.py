"""docker/compose.prod.yml, set up by the commands of docs/deploy.md."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT
from tests.stack.conftest import StackMaker
from tests.stack.stack import PRODUCTION, Stack, docker, running

_SECRETS_IN_ENV = re.compile(r"^(JWT_SECRET|MAIL_URL|\w+_PASSWORD)=.*\n", re.MULTILINE)


@pytest.fixture(scope="module")
def production(make_stack: StackMaker) -> Iterator[Stack]:
    """The production stack, its secrets written as the guide says."""
    stack = make_stack("production", files=PRODUCTION)
    guide = (ROOT / "docs" / "deploy.md").read_text()
    [commands] = [
        block for block in re.findall(r"```\n(.*?)```", guide, re.DOTALL) if "mkdir -m 700" in block
    ]
    subprocess.run(("sh", "-ec", commands), cwd=stack.folder, check=True)  # noqa: S603, S607 (the guide's own commands)
    env = stack.folder / ".env"
    env.write_text(_SECRETS_IN_ENV.sub("", env.read_text()).replace("ENVIRONMENT=development", ""))
    stack.set_in_env(PUBLIC_URL="https://shop.example.com")
    with running(stack):
        yield stack


def _secrets(stack: Stack) -> list[str]:
    """What nobody may find: passwords and keys, those within addresses too."""
    texts = [path.read_text().strip() for path in (stack.folder / "secrets").iterdir()]
    return [text for text in texts if "://" not in text]


def test_it_serves_by_tls_alone_under_its_own_name_without_documents(production: Stack) -> None:
    with production.client(tls=True, headers={"Host": "shop.example.com"}) as client:
        assert client.get("/health").json()["status"] == "up"
        assert client.get("/api/v1/books").status_code == 200
        assert client.get("/docs").status_code == client.get("/openapi.json").status_code == 404
        assert client.get("/api/v1/books", headers={"Host": "other.example.com"}).status_code == 400
    with production.client(headers={"Host": "shop.example.com"}) as client:
        assert client.get("/api/v1/books").status_code == 308


def test_secrets_stand_neither_in_containers_nor_in_the_image_nor_in_logs(production: Stack) -> None:
    containers = production.compose("ps", "-aq").split()
    places = {
        "inspect": docker("inspect", *containers),
        "image": docker("history", "--no-trunc", "bookstore:stack-test"),
        "logs": production.logs(),
    }
    secrets = _secrets(production)
    assert len(secrets) == 5
    found = [place for place, text in places.items() for secret in secrets if secret in text]
    assert not found


def test_two_apis_and_two_workers_have_their_limits_and_can_change_nothing(production: Stack) -> None:
    limits = {"api": (2, 1.0, 512), "worker": (2, 0.5, 256), "db": (1, 2.0, 1024)}
    for service, (replicas, cores, megabytes) in limits.items():
        containers = production.containers(service)
        assert len(containers) == replicas
        for one in json.loads(docker("inspect", *containers)):
            host = one["HostConfig"]
            assert host["NanoCpus"] == cores * 1e9
            assert host["Memory"] == megabytes * 1024 * 1024
            assert host["ReadonlyRootfs"]
            assert host["CapDrop"] == ["ALL"]
            assert host["RestartPolicy"]["Name"] == "always"
            assert not host["PortBindings"]
