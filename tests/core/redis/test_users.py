"""The users of docker/redis: the application can do what it does, and nothing else."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.exceptions import AuthenticationError, NoPermissionError

from devstack import Servers
from tests.conftest import ROOT

from .servers import HOST, RedisServer, running
from .uses import open_shop, shop_settings, use_everything

PASSWORD = "b1946ac92492d2347c6235b4d2611184"
OTHERS = (
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("KEYS", "*"),
    ("SCAN", "0"),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("SHUTDOWN",),
    ("CLIENT", "LIST"),
    ("MONITOR",),
    ("REPLICAOF", "NO", "ONE"),
    ("MODULE", "LIST"),
    ("GET", "somebody:elses"),
    ("PUBLISH", "somebody:elses", "x"),
)
NOT_EVERY_TIME = {"asking", "cluster|shards", "cluster|slots", "command", "select"}
"""What is for a Cluster, and for another database than the first."""
USERS = ROOT / "docker" / "redis" / "users.acl"


def users_file(folder: Path, environment: dict[str, str]) -> str:
    """What `docker/redis/start` makes of users.acl: it is run, up to the server that it starts."""
    fake = folder / "bin"
    fake.mkdir(parents=True)
    (fake / "redis-server").write_text("#!/bin/sh\n")
    (fake / "redis-server").chmod(0o755)
    made = folder / "users.acl"
    ran = subprocess.run(  # noqa: S603 - our own program
        [str(USERS.parent / "start"), str(USERS.parent / "durable.conf")],
        env={"PATH": f"{fake}:{os.environ['PATH']}", "REDIS_ACL_FILE": str(made), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return made.read_text() if ran.returncode == 0 else ran.stderr


def allowed() -> set[str]:
    """The commands that users.acl gives to the application."""
    rules = re.search(r"^user bookstore .*$", USERS.read_text(), re.MULTILINE)
    assert rules is not None
    return set(re.findall(r"\+(\S+)", rules[0]))


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """Both Redis of the stack, with its configuration and users, and an administrator beside them."""
    users = tmp_path / "users.acl"
    users.write_text(
        users_file(tmp_path / "made", {"REDIS_PASSWORD": PASSWORD, "REDIS_EXPORTER_PASSWORD": PASSWORD})
        + f"user admin on >{PASSWORD} ~* &* +@all\n"
    )
    servers = [
        RedisServer(
            tmp_path / name,
            (str(USERS.parent / f"{name}.conf"), "--aclfile", str(users), "--maxmemory", "64mb"),
            "admin",
            PASSWORD,
        )
        for name in ("durable", "cache")
    ]
    with running(*servers):
        yield servers[0], servers[1]


async def test_the_user_of_the_application_can_do_all_that_it_does(
    guarded: tuple[RedisServer, RedisServer], servers: Servers, empty_database_url: str, tmp_path: Path
) -> None:
    durable, cache = (f"redis://bookstore:{PASSWORD}@{HOST}:{server.port}/0" for server in guarded)
    settings = shop_settings(servers, empty_database_url, tmp_path / "mails", url=durable, cache_url=cache)
    async with open_shop(settings) as shop:
        await use_everything(shop)
    called: set[str] = set()
    for server in guarded:
        with server.admin as admin:
            assert admin.acl_log() == []
            called |= {name.removeprefix("cmdstat_") for name in admin.info("commandstats")}
    assert allowed() - called == NOT_EVERY_TIME
    with guarded[0].admin as admin:
        kept = set(admin.keys())
        assert not [name for name in kept if name.startswith("bookstore:cache:")]
        assert {name.split(":")[1] for name in kept if name != "orders"} <= {"events", "limit", "{count}"}
    with guarded[1].admin as admin:
        names = admin.keys()
        assert names
        assert all(name.startswith("bookstore:cache:") for name in names)


def test_it_can_do_nothing_else(guarded: tuple[RedisServer, RedisServer]) -> None:
    with redis.Redis(host=HOST, port=guarded[0].port, username="bookstore", password=PASSWORD) as client:
        for command in OTHERS:
            with pytest.raises(redis.ResponseError, match=r"(?i)permission"):
                client.execute_command(*command)
        for script in ("return redis.call('KEYS', '*')", "return redis.call('GET', 'somebody:elses')"):
            with pytest.raises(redis.ResponseError, match=r"(?i)permission"):
                client.evalsha(client.script_load(script), 0)


def test_nobody_comes_in_without_a_password_and_figures_are_all_that_the_exporter_sees(
    guarded: tuple[RedisServer, RedisServer],
) -> None:
    with redis.Redis(host=HOST, port=guarded[0].port) as nobody, pytest.raises(AuthenticationError):
        nobody.ping()
    with redis.Redis(host=HOST, port=guarded[0].port, username="exporter", password=PASSWORD) as exporter:
        assert exporter.info("memory")["maxmemory_policy"] == "noeviction"
        for command in (("GET", "bookstore:x"), ("CONFIG", "GET", "*"), ("KEYS", "*")):
            with pytest.raises(NoPermissionError):
                exporter.execute_command(*command)


def test_no_password_stands_in_the_file_and_none_means_no_start(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{PASSWORD}\n")
    made = users_file(tmp_path / "a", {"REDIS_PASSWORD_FILE": str(secret)})
    assert PASSWORD not in made
    assert re.findall(r"^user (\w+) (\w+)", made, re.MULTILINE) == [
        ("default", "off"),
        ("bookstore", "on"),
        ("exporter", "off"),
    ]
    assert made == users_file(tmp_path / "b", {"REDIS_PASSWORD": PASSWORD})
    assert "REDIS_PASSWORD_FILE" in users_file(tmp_path / "c", {})
