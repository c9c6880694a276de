"""The two Redis of the stack: each with its policy and its users."""

import pytest

from tests.stack.stack import Stack

AS_THE_SHOP = "REDISCLI_AUTH=$REDIS_PASSWORD redis-cli --user bookstore"


@pytest.mark.parametrize(
    ("service", "policy", "is_kept"), [("redis", "noeviction", 1), ("redis-cache", "allkeys-lru", 0)]
)
def test_each_redis_lets_its_user_in_and_evicts_what_it_may(
    stack: Stack, service: str, policy: str, is_kept: int
) -> None:
    assert "NOAUTH" in stack.execute(service, "redis-cli", "ping", check=False)
    told = stack.execute(service, "sh", "-c", f"{AS_THE_SHOP} info all")
    assert f"maxmemory_policy:{policy}" in told
    assert f"aof_enabled:{is_kept}" in told
    assert "NOPERM" in stack.execute(service, "sh", "-c", f"{AS_THE_SHOP} flushall", check=False)
