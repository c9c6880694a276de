"""Ports for servers that tests start as programs of their own."""

import subprocess
import sys

_FIND = """
import random, socket
while True:
    with socket.socket() as probe:
        port = random.SystemRandom().randrange(10_000, 22_000)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            continue
    print(port)
    break
"""


def free_port() -> int:
    """A port that nobody listens at, nor ten thousand above it, as a node of a Redis Cluster does.

    Below those that the kernel hands out: one of these may be a connection's before the server has begun. Found by
    another process: sockets may be forbidden in this one.
    """
    return int(subprocess.check_output((sys.executable, "-S", "-c", _FIND)))  # noqa: S603 (a fixed script)
