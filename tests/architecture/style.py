"""Sizes, names, imports at the top, one clock, and a sentence at the head of every module."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from .engine import Finding, Module, module_rule

LONGEST_FILE = 400
MOST_STATEMENTS = 40
MOST_TARGETS = 2
MOST_PARAMETERS = 6

MIGRATIONS = ("alembic/versions/",)
"""A migration is a script that runs once: long where the schema is, and never reused."""

GRAB_BAGS = frozenset({"common", "helper", "helpers", "misc", "util", "utils"})

WALL_CLOCK = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "time.time",
        "time.time_ns",
    }
)


@module_rule(apart_from=MIGRATIONS)
def files_are_short(module: Module) -> Iterator[Finding]:
    """A file has at most 400 lines."""
    length = len(module.source.splitlines())
    if length > LONGEST_FILE:
        yield length, f"{length} lines, {LONGEST_FILE} allowed"


@module_rule(apart_from=MIGRATIONS)
def functions_are_short(module: Module) -> Iterator[Finding]:
    """A function has at most 40 statements, nested ones counted, the docstring not."""
    for function in module.functions:
        inside = sum(isinstance(node, ast.stmt) for node in ast.walk(function)) - 1
        count = inside - (ast.get_docstring(function, clean=False) is not None)
        if count > MOST_STATEMENTS:
            yield function.lineno, f"{function.name} has {count} statements, {MOST_STATEMENTS} allowed"


@module_rule(apart_from=MIGRATIONS)
def literals_are_not_starred(module: Module) -> Iterator[Finding]:
    """`f(*(a, b))` and `(*("a", "b"), "c")` are layout tricks: items stand one by one, arguments by keyword."""
    for node in module.nodes:
        if isinstance(node, ast.Starred) and isinstance(node.value, ast.Tuple | ast.List | ast.Set):
            yield node.lineno, f"stars the literal {ast.unparse(node.value)}"


@module_rule(apart_from=MIGRATIONS)
def assignments_have_two_targets(module: Module) -> Iterator[Finding]:
    """At most two values are assigned at once; what a call gives may be unpacked into as many names as it has."""
    for node in module.nodes:
        if isinstance(node, ast.Assign):
            sides = [target for target in node.targets if isinstance(target, ast.Tuple | ast.List)]
            is_display = isinstance(node.value, ast.Tuple | ast.List)
            widest = max((len(side.elts) for side in sides if is_display), default=0)
            if max(widest, len(node.targets)) > MOST_TARGETS:
                yield node.lineno, f"assigns {max(widest, len(node.targets))} targets at once"


@module_rule()
def parameters_are_few(module: Module) -> Iterator[Finding]:
    """At most six parameters, `self` and `cls` not counted."""
    for function in module.functions:
        given = function.args
        every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
        names = [each.arg for each in every if each and each.arg not in {"self", "cls"}]
        if len(names) > MOST_PARAMETERS:
            yield function.lineno, f"{function.name} takes {len(names)} parameters, {MOST_PARAMETERS} allowed"


@module_rule()
def imports_stand_at_the_top(module: Module) -> Iterator[Finding]:
    """No import inside a function or class; a module-level `if` or `try` around one is fine."""
    for owner in (*module.functions, *module.classes):
        for node in ast.walk(owner):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield node.lineno, f"import inside {owner.name}"


@module_rule()
def files_are_named_for_what_they_hold(module: Module) -> Iterator[Finding]:
    """No file or folder is called utils, helpers, common or misc."""
    names = PurePosixPath(module.path).with_suffix("").parts
    for name in GRAB_BAGS.intersection(names):
        yield 1, f"{name} says nothing about its content"


@module_rule(apart_from=("app/core/clock.py", "examples/webhooks/"))
def one_clock(module: Module) -> Iterator[Finding]:
    """Only `core/clock.py` reads the wall clock, so that tests can move time; what others copy stands alone."""
    for node in module.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and module.qualified(node) in WALL_CLOCK:
            yield node.lineno, f"reads {module.qualified(node)}; ask core.clock"


@module_rule("app/")
def modules_open_with_a_sentence(module: Module) -> Iterator[Finding]:
    """The first thing in a module says what it is for."""
    if not (ast.get_docstring(module.tree) or "").strip():
        yield 1, "no docstring"
