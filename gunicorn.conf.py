"""Gunicorn as production runs it: `gunicorn -c gunicorn.conf.py`; GUNICORN_CMD_ARGS overrides any line."""

import asyncio
import gc
import itertools
import logging
import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from gunicorn import glogging
from gunicorn.arbiter import Arbiter
from prometheus_client import multiprocess
from uvicorn_worker import UvicornWorker

from app.core.buffered_metrics import buffer_metrics, name_files
from app.core.client_addresses import in_both_spellings
from app.core.cores import usable_cores
from app.core.db.budget import check_connections
from app.core.http.leaving import LeavingServer
from app.core.http.serving import protocol_options
from app.core.logging import configure_logging, guard_process
from app.core.settings.settings import SettingsError, load_settings

try:
    _settings = load_settings()
except SettingsError as error:
    # Here it is told once; a worker would tell it, die, and be started again.
    sys.exit(f"bookstore: {error}")

# Start-up makes much and drops little: to look for garbage meanwhile is a sixth of its time.
gc.disable()

_GRACE = 30
"""Seconds from SIGTERM to SIGKILL. Whatever runs Gunicorn must wait longer: `stop_grace_period` and its like."""
_TO_CLOSE = 2
"""Seconds of these in which engines and clients are closed."""
_FEWEST_WORKERS = 2
"""One answers while another is replaced."""
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_ON_DEMAND = ("app.core.http.protocol", "uvicorn.lifespan.on", "uvloop")
"""What Uvicorn imports by name in each worker."""
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in memory, in which names are made unguessable
_host, _port = os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000")


class Logger(glogging.Logger):
    """The master's lines look like the workers'."""

    def setup(self, cfg):  # noqa: ANN001, ANN201 - Gunicorn is untyped
        """Gunicorn's levels, our format; a line leaves at once, even into a pipe."""
        super().setup(cfg)
        configure_logging(_settings.log, _settings.secret_values())
        guard_process()
        # Says nothing but which of its own plugins it found, in every worker.
        logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
        sys.stdout.reconfigure(line_buffering=True)


class Worker(UvicornWorker):
    """Uvicorn on uvloop and httptools; what is being answered gets what is left of the grace to end."""

    CONFIG_KWARGS = {  # noqa: RUF012 - Uvicorn's worker wants a plain dict
        "loop": "uvloop",
        # A failed start must stop the server, not leave one that answers 500.
        "lifespan": "on",
        "timeout_graceful_shutdown": _GRACE - _settings.drain_seconds - _TO_CLOSE,
        **protocol_options(_settings.stream),
    }

    async def _serve(self):  # noqa: ANN202 - as above
        """As Uvicorn's own, with a server that takes its leave."""
        self.config.app = self.wsgi
        server = LeavingServer(self.config, _settings.drain_seconds)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)


wsgi_app = "app.main:create_app()"
worker_class = Worker
logger_class = Logger
# Besides, where it is set, the internal port: who calls there is told details, so nobody else must get there.
_ports = dict.fromkeys([_port, *([str(_settings.internal_port)] if _settings.internal_port else [])])
bind = [f"[{_host}]:{port}" if ":" in _host else f"{_host}:{port}" for port in _ports]
workers = int(os.environ.get("WEB_CONCURRENCY") or max(_FEWEST_WORKERS, usable_cores()))

# Whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses or networks, comma-separated.
forwarded_allow_ips = in_both_spellings(os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1,::1"))

# A worker is replaced now and then, so that no leak lives long; the jitter keeps them from going together.
max_requests = 100_000
max_requests_jitter = 20_000
# A worker whose event loop is stuck this long is killed.
timeout = 30
graceful_timeout = _GRACE
# Longer than Nginx keeps idle connections (60 s), so that it is never the one to be hung up on.
keepalive = 75
# The heartbeat file must not wait for a disk.
worker_tmp_dir = str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None
# Engines and clients must not be shared across a fork: each worker makes its application, of code that the master
# has imported (`on_starting`).
preload_app = False
control_socket_disable = True


def on_starting(server):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """See that all connections fit, make the folder of metrics, and import what the workers are forked with.

    So a worker shares this memory, and is there in a moment: `timeout` counts from the fork, and on a starved machine
    an import by each worker could outlast it for ever.
    """
    try:
        budget = asyncio.run(check_connections(_settings.database, server.cfg.workers))
    except SettingsError as error:
        sys.exit(f"bookstore: {error}")
    if budget:
        server.log.info("Connections: %s", budget)
    server.own_metrics_folder = None
    if named := os.environ.get(_METRICS_FOLDER):
        Path(named).mkdir(parents=True, exist_ok=True)
    else:
        server.own_metrics_folder = tempfile.mkdtemp(
            prefix="bookstore-metrics-", dir=server.cfg.worker_tmp_dir
        )
        os.environ[_METRICS_FOLDER] = server.own_metrics_folder
    buffer_metrics()
    for module in (server.app.app_uri.partition(":")[0], *_ON_DEMAND):
        import_module(module)
    # Those of processes before, and the master's own, which counts nothing.
    for leftover in Path(os.environ[_METRICS_FOLDER]).glob("*.db"):
        leftover.unlink()


def when_ready(server):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """From here on the master lives long and makes little.

    What it made is frozen, so that its pages stay shared. To look for garbage in it first would take a sixth of the
    start, and free no memory: workers would write into the gaps, each into copies of its own.
    """
    del server
    gc.freeze()
    gc.enable()


def pre_fork(server, worker):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """Give the worker the lowest free slot: a replacement goes on with its predecessor's counters."""
    taken = {other.slot for other in server.WORKERS.values()}
    worker.slot = next(slot for slot in itertools.count(1) if slot not in taken)


def post_fork(server, worker):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """Start as the master did; name metrics files by slot, not by process: else each recycling would leave a file."""
    del server
    gc.disable()
    name_files(worker.slot)


def post_worker_init(worker):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """What start-up made lives as long as the worker: the collector need not look at it again and again."""
    del worker
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def child_exit(server, worker):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """Forget the gauges of a worker that ended; its counters stay."""
    del server
    multiprocess.mark_process_dead(worker.slot)


def on_exit(server):  # noqa: ANN001, ANN201 - Gunicorn is untyped
    """Remove the folder that `on_starting` made."""
    if server.own_metrics_folder:
        shutil.rmtree(server.own_metrics_folder, ignore_errors=True)
