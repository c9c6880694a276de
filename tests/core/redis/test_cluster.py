"""A Cluster: what belongs together has one place, and all uses work across its nodes."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from devstack import Servers
from devstack.process import wait_until

from .servers import HOST, RedisServer, running
from .uses import open_shop, shop_settings, use_everything

PASSWORD = "b1946ac92492d2347c6235b4d2611184"
SLOTS = 16384
NODES = 3


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """Three primaries that share the slots."""
    options = ("--cluster-enabled", "yes", "--requirepass", PASSWORD, "--masterauth", PASSWORD)
    nodes = [RedisServer(tmp_path / f"node-{number}", options, password=PASSWORD) for number in range(NODES)]
    with running(*nodes):
        for number, node in enumerate(nodes):
            with node.admin as admin:
                first, after = (SLOTS * each // NODES for each in (number, number + 1))
                admin.execute_command("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
                admin.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                admin.execute_command("CLUSTER", "MEET", HOST, nodes[0].port)
        wait_until(lambda: all(is_complete(node.admin) for node in nodes), timeout=60)
        yield nodes


def is_complete(admin: Redis) -> bool:
    with admin:
        state = str(admin.execute_command("CLUSTER", "INFO"))  # type: ignore[no-untyped-call]  # of redis-py
        return "cluster_state:ok" in state and f"cluster_known_nodes:{NODES}" in state


async def test_all_uses_work_on_a_cluster(
    cluster: list[RedisServer], servers: Servers, empty_database_url: str, tmp_path: Path
) -> None:
    # The first is away: any node that is named leads to all.
    url = f"redis+cluster://:{PASSWORD}@{HOST}:1,{HOST}:{cluster[2].port}"
    settings = shop_settings(servers, empty_database_url, tmp_path / "mails", url=url)
    async with open_shop(settings) as shop, asyncio.timeout(120):
        for client in itertools.count():
            await use_everything(shop, f"client {client}")
            # Which node a key lies on is its hash's affair: of few keys all may lie on two.
            if all(holds_keys(node) for node in cluster):
                return


def holds_keys(node: RedisServer) -> bool:
    with node.admin as admin:
        return int(admin.dbsize()) > 0
