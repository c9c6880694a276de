"""A supervisor with a shop of a few lines in place of the API: `stand_in.py ROOT PORT`."""

import asyncio
import http.server
import os
import sys
from pathlib import Path

import asyncpg
import redis
from sqlalchemy.engine import make_url

from devstack import DevStackError
from devstack.supervisor import Child, Plan, Supervisor


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name is http.server's
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


async def count_starts() -> None:
    """Writes to both servers, so that a later start can show that the data stayed."""
    url = make_url(os.environ["DATABASE_URL"])
    connection = await asyncpg.connect(user=url.username, database=url.database, host=str(url.query["host"]))
    await connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz DEFAULT now())")
    await connection.execute("INSERT INTO starts DEFAULT VALUES")
    in_postgres = await connection.fetchval("SELECT count(*) FROM starts")
    await connection.close()
    client = redis.Redis.from_url(os.environ["REDIS_URL"])
    in_redis = client.incr("starts")
    client.close()
    say(f"start {in_postgres} {in_redis}")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def supervise(root: str, port: int) -> None:
    def child(name: str) -> Child:
        return Child(name, (sys.executable, __file__, root, str(port), name))

    sources = Path(root) / "sources"
    plan = Plan(
        Path(root),
        "127.0.0.1",
        port,
        steps=(child("count"),),
        services=(child("api"),),
        sources=sources if sources.exists() else None,
    )
    try:
        Supervisor(plan, announce=lambda _: say("ready")).run()
    except DevStackError as error:
        say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [root, port]:
            supervise(root, int(port))
        case [_, _, "count"]:
            asyncio.run(count_starts())
        case [_, port, "api"]:
            say("the shop opens")
            http.server.HTTPServer(("127.0.0.1", int(port)), Shop).serve_forever()
