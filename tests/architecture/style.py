"""Sizes, names, imports at the top, one clock, and a sentence at the head of every module."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from .engine import Finding, FunctionNode, Module, module_rule

LONGEST_FILE = 400
LONGEST_FUNCTION = 40
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
    """From `def` to the end at most 40 lines, the docstring not counted."""
    for function in module.functions:
        length = _lines(function) - _docstring_lines(function)
        if length > LONGEST_FUNCTION:
            yield function.lineno, f"{function.name} has {length} lines, {LONGEST_FUNCTION} allowed"


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_lines(function: FunctionNode) -> int:
    return _lines(function.body[0]) if ast.get_docstring(function, clean=False) is not None else 0


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


@module_rule(apart_from=("app/core/clock.py",))
def one_clock(module: Module) -> Iterator[Finding]:
    """Only `core/clock.py` reads the wall clock, so that tests can move time."""
    for node in module.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and module.qualified(node) in WALL_CLOCK:
            yield node.lineno, f"reads {module.qualified(node)}; ask core.clock"


@module_rule("app/")
def modules_open_with_a_sentence(module: Module) -> Iterator[Finding]:
    """The first thing in a module says what it is for."""
    if not (ast.get_docstring(module.tree) or "").strip():
        yield 1, "no docstring"
