"""SQL stands in repositories, resolvers and queries, `core`, the worker and the demo loader; they return types."""

import ast
import re
from collections.abc import Iterator

from .engine import Finding, Module, module_rule

HOLDS_SQL = frozenset({"repository", "resolver", "queries"})
SQL_MAY_STAND_IN = (
    "app/core/",
    "app/worker.py",
    "app/demo/",
    "app/cli/demo.py",
    "app/catalog/index/",
    "app/catalog/canonical.py",
    "app/catalog/imports/writer.py",
)

TYPES_FOR_ANYONE = frozenset(
    f"sqlalchemy.ext.asyncio.{name}" for name in ("AsyncConnection", "AsyncEngine", "AsyncSession")
)
STATEMENTS = frozenset({"delete", "except_", "insert", "intersect", "select", "union", "union_all", "update"})

WRITES = frozenset({"delete", "insert", "update"})
PUBLISHING = tuple(f"app.core.events.events.{name}" for name in ("publish", "publish_each"))

ALWAYS_SQL = frozenset({"exec_driver_sql", "execute", "executemany", "scalar", "scalars", "stream_scalars"})
SQL_ON_A_SESSION = frozenset(
    {"add", "add_all", "delete", "flush", "get", "get_one", "merge", "refresh", "run_sync", "stream"}
)
SESSION = re.compile(r"(?:^|[_.])(?:session|connection|conn|db)$")

PATCH_TYPES = re.compile(r"\b(?:dict|Dict|Mapping|MutableMapping)\[str, (?:object|Any)\]")

UNTYPED = frozenset({"Dict", "Mapping", "MutableMapping", "OrderedDict", "RowMapping", "defaultdict", "dict"})


@module_rule("app/", apart_from=SQL_MAY_STAND_IN)
def sql_is_written_in_repositories(module: Module) -> Iterator[Finding]:
    """Elsewhere SQLAlchemy is the type of a session; models may declare, but select nothing."""
    if module.role in HOLDS_SQL:
        return
    for imported in module.imports:
        if not imported.is_within("sqlalchemy") or imported.target in TYPES_FOR_ANYONE:
            continue
        if module.role != "models" or imported.target.rpartition(".")[2] in STATEMENTS:
            yield imported.line, f"imports {imported.target}"


@module_rule("app/", apart_from=SQL_MAY_STAND_IN)
def sql_is_run_in_repositories(module: Module) -> Iterator[Finding]:
    """A service asks its repository; it never drives the session."""
    if module.role in HOLDS_SQL:
        return
    for call in module.calls:
        if not isinstance(call.func, ast.Attribute):
            continue
        receiver = ast.unparse(call.func.value)
        method = call.func.attr
        if method in ALWAYS_SQL or (method in SQL_ON_A_SESSION and SESSION.search(receiver)):
            yield call.lineno, f"calls {receiver}.{method}()"


@module_rule("app/")
def repositories_return_types(module: Module) -> Iterator[Finding]:
    """A repository's public functions return ORM objects or typed rows, never dicts of any kind."""
    if module.role not in HOLDS_SQL:
        return
    for function in module.functions:
        if function.returns is None or function.name.startswith("_"):
            continue
        untyped = sorted(UNTYPED & _names(function.returns))
        if untyped:
            yield function.lineno, f"{function.name} returns {ast.unparse(function.returns)}"


@module_rule("app/")
def queries_only_read(module: Module) -> Iterator[Finding]:
    """Whoever looks for what writes finds it in repositories."""
    if module.role != "queries":
        return
    for imported in module.imports:
        _, _, name = imported.target.rpartition(".")
        if (imported.is_within("sqlalchemy") and name in WRITES) or imported.is_within(*PUBLISHING):
            yield imported.line, f"imports {imported.target}"


@module_rule("app/")
def patches_stay_typed(module: Module) -> Iterator[Finding]:
    """What a service or repository is to change comes as a model with its `model_fields_set`, not as a dict."""
    if module.role not in {"service", "repository", "resolver"}:
        return
    for function in module.functions:
        given = function.args
        every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
        annotations = [each.annotation for each in every if each] + [function.returns]
        for annotation in annotations:
            if annotation is not None and PATCH_TYPES.search(ast.unparse(annotation)):
                yield annotation.lineno, f"{function.name} takes or gives {ast.unparse(annotation)}"


def _names(annotation: ast.expr) -> set[str]:
    return set(re.findall(r"\w+", ast.unparse(annotation)))


@module_rule("app/")
def relationships_raise_when_lazy(module: Module) -> Iterator[Finding]:
    """`lazy="raise"` turns every forgotten eager load into an error; a backref could not say it."""
    for call in module.calls:
        if (module.qualified(call.func) or "").rpartition(".")[2] != "relationship":
            continue
        options = {keyword.arg: keyword.value for keyword in call.keywords}
        lazy = options.get("lazy")
        if not (isinstance(lazy, ast.Constant) and lazy.value == "raise"):
            yield call.lineno, 'relationship without lazy="raise"'
        if "backref" in options:
            yield call.lineno, "backref makes a lazy relationship; use back_populates"
