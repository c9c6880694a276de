"""Prints what the shape of the code is in figures: `make shape`, in about ten seconds."""

import ast
import asyncio
import itertools
import os
import statistics
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
from alembic.config import Config
from fastapi import FastAPI

from alembic import command
from app import registry
from app.core.db.transaction import transaction
from app.core.events.events import HandlerContext
from app.core.mail import make_mailer
from app.identity.permissions import Role
from devstack import throwaway_servers
from tests.catalog.imports.conftest import Importer, csv_of, isbn_of, settings_with_mail
from tests.conftest import Caller, client_of, make_account, running_app, settings_for

from .engine import FunctionNode, Module, Project
from .layers import cyclic_folders

ROOT = Path(__file__).parents[2]
FIELD = "subtitle"
SHORT = 4
"""Lines of a private function that is hardly worth a name of its own."""


@dataclass
class Trace:
    """The functions of `app/` that run while it is recorded, in order, each by file and name.

    Tasks that ran before, such as the writers beside the requests, are no part of it.
    """

    steps: list[tuple[str, str]] = field(default_factory=list)
    _others: set[asyncio.Task[Any]] = field(default_factory=set)
    _seen: dict[int, FrameType] = field(default_factory=dict)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        self._others = asyncio.all_tasks() - {asyncio.current_task()}
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        # A coroutine that goes on is called again with the same frame: it was entered once. Frames
        # are kept, so that none of them gives its identity to another.
        code = frame.f_code
        if event != "call" or id(frame) in self._seen or code.co_name.startswith("<"):
            return
        path = Path(code.co_filename)
        if path.is_relative_to(ROOT / "app") and _running_task() not in self._others:
            self._seen[id(frame)] = frame
            self.steps.append((path.relative_to(ROOT).as_posix(), code.co_qualname))

    def __str__(self) -> str:
        files = [path for path, _ in self.steps]
        switches = sum(one != other for one, other in itertools.pairwise(files))
        return (
            f"{len(set(files)):3} files, {switches:3} switches, {len(set(self.steps)):3} functions,"
            f" {len(self.steps):3} calls"
        )


def _running_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        # A thread of its own has no event loop.
        return None


async def trace_requests(app: FastAPI, importer: Importer, client: httpx.AsyncClient) -> dict[str, Trace]:
    """One warm and one cold read, one new book, and the worker's run of one imported row."""
    books, headers = "/api/v1/books", importer.caller.headers
    payload = {"title": "A Room", "author": "Virginia Woolf", "isbn": isbn_of(1), "price": 5}

    async def post(body: dict[str, object]) -> httpx.Response:
        answer = await client.post(books, json=body, headers=headers)
        answer.raise_for_status()
        return answer

    path = f"{books}/{(await post(payload)).json()['id']}"

    async def get() -> None:
        (await client.get(path)).raise_for_status()

    async def traced(work: Callable[[], Awaitable[object]]) -> Trace:
        trace = Trace()
        with trace.recorded():
            await work()
        return trace

    # What only happens once in a process is not what a request costs.
    await get()
    await importer.finish(csv_of([{"isbn": isbn_of(2), "title": "Warm", "author": "Ann One"}]))
    await importer.send(csv_of([{"isbn": isbn_of(3), "title": "A Row", "author": "Bea Two"}]))
    hot = await traced(get)
    app.state.cache.connection_changed()
    await app.state.redis.flushdb()
    cold = await traced(get)
    row = await traced(importer.run)
    return {
        "hot GET /books/{id}": hot,
        "cold GET /books/{id}": cold,
        "POST /books": await traced(lambda: post({**payload, "isbn": isbn_of(4)})),
        "one imported row": row,
    }


async def trace_all() -> dict[str, Trace]:
    """The traces, on servers of their own."""
    registry.load_handlers()
    with throwaway_servers() as servers:
        await asyncio.to_thread(_migrate, servers.database_url)
        async with running_app(settings_for(servers, servers.database_url)) as app, client_of(app) as client:
            state = app.state
            async with state.database.sessions.begin() as session:
                caller: Caller = await make_account(app, session, Role.MODERATOR)
            context = HandlerContext(
                lambda: transaction(state.database, state.cache),
                make_mailer(settings_with_mail(state.settings)),
                state.settings,
                state.storage,
                state.redis,
                state.outbound,
            )
            return await trace_requests(app, Importer(app, client, caller, context), client)


def _migrate(url: str) -> None:
    os.environ["DATABASE_URL"] = url
    command.upgrade(Config(str(ROOT / "alembic.ini")), "head")


def endpoint_names(module: Module) -> Iterator[int]:
    """How many names of our own each endpoint of a router needs: its decorator, signature and body, and
    the constants and private functions of the module that these use.
    """
    own = {
        alias.asname or alias.name
        for node in module.tree.body
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("app"))
        for alias in node.names
    }
    local = {name: node for node in module.tree.body for name in _defined(node)}
    for node in module.tree.body:
        if isinstance(node, FunctionNode) and any(_is_route(one) for one in node.decorator_list):
            needed: set[str] = set()
            waiting: list[ast.AST] = [node]
            while waiting:
                names = {one.id for one in ast.walk(waiting.pop()) if isinstance(one, ast.Name)} - needed
                needed |= names
                waiting += [local[name] for name in names & local.keys() if local[name] is not node]
            yield len(needed & (own | local.keys()) - {"router", node.name})


def _defined(node: ast.stmt) -> list[str]:
    if isinstance(node, FunctionNode | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_route(decorator: ast.expr) -> bool:
    verbs = {"get", "post", "put", "patch", "delete", "head"}
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "attr", "") in verbs


def short_private_functions(modules: list[Module]) -> tuple[int, int]:
    """Private functions with a body of at most four lines that are named in one place besides their own, and how
    many of them are not called there but handed on: validators, callbacks, entries of tables.
    """
    count = handed_on = 0
    for module in modules:
        called = Counter(_name(node.func) for node in module.nodes if isinstance(node, ast.Call))
        uses = Counter(
            _name(node)
            for node in module.nodes
            if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
        )
        for function in module.functions:
            is_private = function.name.startswith("_") and not function.name.startswith("__")
            if is_private and uses[function.name] == 1 and body_length(function) <= SHORT:
                count += 1
                handed_on += not called[function.name]
    return count, handed_on


def _name(node: ast.expr) -> str:
    return getattr(node, "attr", "") or getattr(node, "id", "")


def body_length(function: FunctionNode) -> int:
    """Lines below the signature and the docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def length_of(function: FunctionNode) -> int:
    """Lines from `def` to the end, the docstring not counted."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def main() -> None:
    """Print the figures."""
    project = Project.read(ROOT)
    modules = [module for module in project.modules if module.path.startswith("app/")]
    for name, trace in asyncio.run(trace_all()).items():
        print(f"{name:22}{trace}")
    names = [count for module in modules if module.role == "router" for count in endpoint_names(module)]
    lengths = [length_of(function) for module in modules for function in module.functions]
    unnamed = [module for module in modules if module.role is None and module.path.count("/") > 1]
    features = [module for module in unnamed if not module.path.endswith("__init__.py")]
    files = [path for path, text in project.files.items() if FIELD in text and path.startswith("app/")]
    short, handed_on = short_private_functions(modules)
    figures: dict[str, object] = {
        "files, lines": f"{len(modules)}, {sum(len(module.source.splitlines()) for module in modules)}",
        "folders in cycles": len(cyclic_folders(project)),
        "own names an endpoint needs, median and most": f"{statistics.median(names)}, {max(names)}",
        f"files naming `{FIELD}`": len(files),
        f"private functions of one caller and at most {SHORT} lines": f"{short}, {handed_on} of them handed on",
        "lines of a function, median and p99": f"{statistics.median(lengths)}, {_percentile(lengths, 99)}",
        "files without a role name": f"{len(features) / len(modules):.0%}",
    }
    for label, figure in figures.items():
        print(f"{label}: {figure}")


def _percentile(values: list[int], rank: int) -> int:
    return sorted(values)[len(values) * rank // 100]


if __name__ == "__main__":
    main()
