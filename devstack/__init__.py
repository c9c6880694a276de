"""Real PostgreSQL and Redis servers for `make run` and for the tests, run from wheels: no root, no Docker."""

from devstack.errors import DevStackError as DevStackError
from devstack.postgres import Postgres as Postgres
from devstack.redis import Redis as Redis
from devstack.throwaway import Servers as Servers
from devstack.throwaway import throwaway_servers as throwaway_servers
