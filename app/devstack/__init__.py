"""Real PostgreSQL and Redis servers for `make run` and for the tests, run from wheels: no root, no Docker."""

from app.devstack.errors import DevStackError as DevStackError
from app.devstack.postgres import Postgres as Postgres
from app.devstack.redis import Redis as Redis
from app.devstack.throwaway import Servers as Servers
from app.devstack.throwaway import throwaway_servers as throwaway_servers
