"""One request is one transaction, committed in one place, with no network inside."""

import ast
from collections.abc import Iterator

from .engine import Finding, Module, module_rule

KEEP_WRITES: frozenset[str] = frozenset(
    {
        "app/identity/errors.py::TokenReuse",
        "app/identity/errors.py::WrongCredentials",
        "app/identity/errors.py::WrongPassword",
        "app/identity/errors.py::MfaRequired",
        "app/identity/mfa/errors.py::WrongSecondFactor",
        "app/identity/passkeys/errors.py::PasskeyCopied",
        "app/identity/passkeys/errors.py::PasskeyRefused",
    }
)
"""The errors that may commit what was written before them, as `path::Class`; each has an HTTP test."""

NETWORK = (
    "aiohttp",
    "aiosmtplib",
    "asyncio.open_connection",
    "http.client",
    "httpx",
    "obstore",
    "redis",
    "requests",
    "smtplib",
    "socket",
    "stripe",
    "urllib.request",
    "urllib3",
)


@module_rule("app/", apart_from=("app/core/db/transaction.py", "app/core/db/roles.py"))
def only_the_unit_of_work_commits(module: Module) -> Iterator[Finding]:
    """Only `core/db/transaction.py` commits, and `core/db/roles.py` as the owner; `begin()` counts, since its block commits."""
    for call in module.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"commit", "begin"}:
            yield call.lineno, f"calls .{call.func.attr}()"


@module_rule("app/")
def errors_that_keep_writes_are_listed(module: Module) -> Iterator[Finding]:
    """An error rolls back, unless its class is on the list of those that must be remembered."""
    for owner in module.classes:
        for statement in owner.body:
            if _sets_keep_writes(statement) and f"{module.path}::{owner.name}" not in KEEP_WRITES:
                yield statement.lineno, f"{owner.name} keeps writes and is not on the list"
    for node in module.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "keep_writes" and isinstance(node.ctx, ast.Store):
            yield node.lineno, "keep_writes is decided by the class, not set from outside"


def _sets_keep_writes(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value:
        targets, value = [statement.target], statement.value
    else:
        return False
    named = any(isinstance(target, ast.Name) and target.id == "keep_writes" for target in targets)
    return named and not (isinstance(value, ast.Constant) and value.value is False)


@module_rule("app/")
def no_network_inside_a_transaction(module: Module) -> Iterator[Finding]:
    """Routers, services and repositories reach nothing but the database: the rest is the outbox's."""
    if module.role in {"router", "service", "repository", "resolver", "queries"}:
        for imported in module.imports:
            if imported.is_within(*NETWORK):
                yield imported.line, f"{module.role} imports {imported.target}"


@module_rule("app/", apart_from=("app/core/", "app/worker.py", "app/lifespan.py"))
def redis_is_reached_through_core(module: Module) -> Iterator[Finding]:
    """Cache, limits and revocation are core's; nobody else talks to Redis."""
    for imported in module.imports:
        if imported.is_within("redis"):
            yield imported.line, f"imports {imported.target}"
