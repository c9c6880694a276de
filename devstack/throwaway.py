"""Throw-away PostgreSQL and Redis for a test session: quick, safe from all but a power cut, gone afterwards."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.account import account_for, passage, temporary_home
from devstack.postgres import Postgres
from devstack.redis import FORGET, Redis

_INITDB = ("--no-sync", "--no-data-checksums")
_SETTINGS = (
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_connections=200",
    "io_method=sync",
)


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, running; each can be stopped and started again on its own, at the same address.

    `files` is where files may lie.
    """

    postgres: Postgres
    redis: Redis
    files: Path

    @property
    def database_url(self) -> str:
        """An empty database, as the superuser."""
        return self.postgres.url()

    @property
    def redis_url(self) -> str:
        """Database 0 of 16."""
        return self.redis.url()


@contextmanager
def throwaway_servers(*, in_memory: bool = False) -> Iterator[Servers]:
    """Start both; stop them and remove every trace at the end, whatever happened in between.

    `in_memory` keeps their files there if it can: cloning and dropping databases is the making and deleting of
    thousands of files, at which a file system on a disk spends most of the time.
    """
    home = temporary_home(account_for(), in_memory=in_memory)
    try:
        servers = Servers(
            Postgres(passage(home / "postgres"), home / "postgres.log", _INITDB, _SETTINGS),
            Redis(home / "redis", home / "redis.log", FORGET),
            home / "files",
        )
        try:
            servers.postgres.start()
            servers.redis.start()
            yield servers
        finally:
            servers.redis.stop()
            servers.postgres.stop(immediate=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
