"""Refusals are `AppError` leaves with a status, a code and a title of their own."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .engine import Finding, Module, Project, module_rule, project_rule

ROOT = "app.core.errors.AppError"
SENTENCES = re.compile(r"[.:]\s+|\n\n")
FIRST_WORD = re.compile(r"\w+")
SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class _ErrorClass:
    module: Module
    node: ast.ClassDef

    @property
    def name(self) -> str:
        return f"{self.module.name}.{self.node.name}"

    @property
    def bases(self) -> set[str]:
        names = (self.module.qualified(base) for base in self.node.bases)
        return {name if "." in name else f"{self.module.name}.{name}" for name in names if name}

    @property
    def facts(self) -> dict[str, ast.expr]:
        """What the class body itself gives a value, by name."""
        assigned: dict[str, ast.expr] = {}
        for statement in self.node.body:
            if isinstance(statement, ast.Assign):
                assigned |= {ast.unparse(target): statement.value for target in statement.targets}
            elif isinstance(statement, ast.AnnAssign) and statement.value:
                assigned[ast.unparse(statement.target)] = statement.value
        return assigned


def _family(project: Project) -> list[_ErrorClass]:
    candidates = [
        _ErrorClass(module, node)
        for module in project.modules
        if module.path.startswith("app/")
        for node in module.classes
    ]
    names, size = {ROOT}, 0
    while size != len(names):
        size = len(names)
        names |= {each.name for each in candidates if each.bases & names}
    return [each for each in candidates if each.name in names]


def _wrong_fact(error: _ErrorClass, fact: str) -> str | None:
    expression = error.facts.get(fact)
    if expression is None:
        return f"{error.node.name} sets no {fact} of its own"
    value = expression.value if isinstance(expression, ast.Constant) else None
    named = (error.module.qualified(expression) or "").startswith("http.HTTPStatus.")
    fits = {
        "status": named or (isinstance(value, int) and value in range(400, 600)),
        "code": isinstance(value, str) and SLUG.fullmatch(value),
        "title": isinstance(value, str) and value.strip(),
    }
    return None if fits[fact] else f"{error.node.name}.{fact} is {ast.unparse(expression)}"


@project_rule
def error_leaves_are_complete(project: Project) -> Iterator[tuple[str, Finding]]:
    """A leaf sets status (4xx, 5xx), code (a slug) and title itself; no class above it has a default."""
    family = _family(project)
    parents = {base for error in family for base in error.bases}
    for error in family:
        for fact in ("status", "code", "title"):
            if error.name not in parents and error.name != ROOT:
                wrong = _wrong_fact(error, fact)
            else:
                wrong = f"{error.node.name} is no leaf: {fact} is a default" if fact in error.facts else None
            if wrong:
                yield error.module.path, (error.node.lineno, wrong)


@project_rule
def error_codes_are_unique(project: Project) -> Iterator[tuple[str, Finding]]:
    """A client tells refusals apart by their code alone."""
    owners: dict[str, str] = {}
    for error in _family(project):
        expression = error.facts.get("code")
        if expression is None:
            continue
        code = ast.unparse(expression)
        owner = owners.setdefault(code, error.name)
        if owner != error.name:
            yield error.module.path, (expression.lineno, f"{code} is the code of {owner} too")


@module_rule("app/", apart_from=("app/core/http/problems.py",))
def no_http_exception(module: Module) -> Iterator[Finding]:
    """Only `core/problems.py` knows HTTPException, to answer the ones the framework raises."""
    mentions = [(imported.line, imported.target) for imported in module.imports]
    mentions += [
        (node.lineno, module.qualified(node) or "")
        for node in module.nodes
        if isinstance(node, ast.Attribute)
    ]
    for line, name in mentions:
        if name.startswith(("fastapi.", "starlette.")) and name.endswith(".HTTPException"):
            yield line, f"names {name}; raise an AppError"


@module_rule("app/")
def no_try_in_routers(module: Module) -> Iterator[Finding]:
    """One handler answers every error, so a router catches none; `suppress` is a `try` too."""
    if module.role != "router":
        return
    for node in module.nodes:
        if isinstance(node, ast.Try | ast.TryStar):
            yield node.lineno, "router catches exceptions"
    for call in module.calls:
        if module.qualified(call.func) == "contextlib.suppress":
            yield call.lineno, "router suppresses exceptions"


@module_rule("app/", "devstack/")
def faults_are_logged_as_they_are(module: Module) -> Iterator[Finding]:
    """A log call is given the exception itself, which the log cleans: its text may hold a value."""
    caught = {node.name for node in module.nodes if isinstance(node, ast.ExceptHandler) and node.name}
    for call in module.calls:
        if not ast.unparse(call.func).startswith(("_log.", "log.", "logger.")):
            continue
        for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
            named = {node.id for node in ast.walk(argument) if isinstance(node, ast.Name)} & caught
            if named and not isinstance(argument, ast.Name):
                yield call.lineno, f"logs a text of {', '.join(sorted(named))}; give the exception itself"


@project_rule
def docstrings_say_raises(project: Project) -> Iterator[tuple[str, Finding]]:
    """A docstring names errors in a sentence, `Raises BookNotFound, StaleVersion.`, never as a bare list."""
    known = {error.node.name for error in _family(project)}
    for module in project.modules:
        if not module.path.startswith("app/"):
            continue
        for function in module.functions:
            for sentence in SENTENCES.split(ast.get_docstring(function) or ""):
                is_said = sentence.strip().startswith("Raises ")
                for part in [] if is_said else sentence.split(";"):
                    if (first := FIRST_WORD.match(part.strip())) and first[0] in known:
                        yield module.path, (function.lineno, f"{function.name}: write `Raises {first[0]} …`")
