"""What a rule sees (the project and its parsed modules) and how a function becomes a rule."""

import ast
import io
import os
import re
import subprocess
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

Finding = tuple[int, str]
"""A line and what is wrong with it."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_ROLE_NAMES = ("router", "deps", "schemas", "service", "repository", "resolver", "queries", "models")
_NOT_OURS = re.compile(r"(^|/)(\.(?!ci/|github/|importlinter|env\.example)|__pycache__/|build/|dist/)")


@dataclass(frozen=True, order=True)
class Breach:
    """One place that breaks one rule."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


@dataclass(frozen=True)
class Import:
    """One imported name, fully dotted: `from a.b import c` targets `a.b.c`."""

    line: int
    target: str

    def is_within(self, *packages: str) -> bool:
        """Whether the target is one of these packages or lies inside one."""
        return any(self.target == package or self.target.startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class Module:
    """A parsed Python file; its path is relative to the project's root."""

    path: str
    source: str

    @cached_property
    def name(self) -> str:
        """The dotted name; a package's `__init__` is called like the package."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def role(self) -> str | None:
        """Which of the fixed files of a feature this is, if one."""
        return role_of(self.name)

    @cached_property
    def domain(self) -> str | None:
        """The folder of `app` it lies in, if in one."""
        return domain_of(self.name)

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.source, self.path)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def functions(self) -> tuple[FunctionNode, ...]:
        """Every function and method, nested ones too."""
        return tuple(node for node in self.nodes if isinstance(node, FunctionNode))

    @cached_property
    def classes(self) -> tuple[ast.ClassDef, ...]:
        """Every class."""
        return tuple(node for node in self.nodes if isinstance(node, ast.ClassDef))

    @cached_property
    def calls(self) -> tuple[ast.Call, ...]:
        """Every call."""
        return tuple(node for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def comments(self) -> tuple[Finding, ...]:
        """Every comment with its line."""
        tokens = tokenize.generate_tokens(io.StringIO(self.source).readline)
        return tuple((token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT)

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        """Every imported name, those for the type checker too."""
        return tuple(
            Import(node.lineno, target)
            for node in self.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for _, target in self._bindings(node)
        )

    @cached_property
    def _aliases(self) -> dict[str, str]:
        return {
            local: target if local != target.split(".")[0] or isinstance(node, ast.ImportFrom) else local
            for node in self.nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for local, target in self._bindings(node)
        }

    def _bindings(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name
            return
        package = self._package_of(node)
        for alias in node.names:
            yield alias.asname or alias.name, f"{package}.{alias.name}"

    def _package_of(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        steps = node.level - self.path.endswith("/__init__.py")
        parents = self.name.split(".")[: -steps or None]
        return ".".join([*parents, *([node.module] if node.module else [])])

    def qualified(self, node: ast.AST) -> str | None:
        """The dotted name of an expression with imported names spelled out, if it is a name at all."""
        if isinstance(node, ast.Name):
            return self._aliases.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            base = self.qualified(node.value)
            return f"{base}.{node.attr}" if base else None
        return None


def role_of(dotted: str) -> str | None:
    """The feature file that a dotted name of `app` leads into."""
    first, *rest = dotted.split(".")
    return next((part for part in rest if part in _ROLE_NAMES), None) if first == "app" else None


def domain_of(dotted: str) -> str | None:
    """The domain, or `core`, that a dotted name of `app` leads into."""
    found = re.match(r"app\.(\w+)\.", f"{dotted}.")
    return found[1] if found else None


@dataclass(frozen=True)
class Project:
    """Every text file that is, or would be, under version control."""

    files: Mapping[str, str] = field(repr=False)

    @classmethod
    def read(cls, root: Path) -> "Project":
        """Read the text files below `root`, without what Git ignores."""
        return cls({path: text for path in _paths(root) if (text := _text(root / path)) is not None})

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        """The Python files."""
        return tuple(Module(path, text) for path, text in self.files.items() if path.endswith(".py"))


def _paths(root: Path) -> list[str]:
    if (root / ".git").exists():
        # A Git hook sets GIT_DIR and its like, which would list another repository.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        command = ("git", "ls-files", "-z", "-co", "--exclude-standard")
        listed = subprocess.run(command, cwd=root, env=environment, capture_output=True, check=False)  # noqa: S603 (a constant command)
        if listed.returncode == 0:
            return sorted(set(listed.stdout.decode().split("\0")) - {""})
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return sorted(path for path in found if not _NOT_OURS.search(path))


def _text(path: Path) -> str | None:
    try:
        content = path.read_bytes()
        return None if b"\0" in content else content.decode()
    except (OSError, UnicodeDecodeError):
        # Deleted but still listed, a link to nowhere, or not text: none of it is ours to judge.
        return None


@dataclass(frozen=True)
class Rule:
    """A named check over the whole project."""

    name: str
    statement: str
    check: Callable[[Project], Iterator[Breach]]


def project_rule(check: Callable[[Project], Iterator[tuple[str, Finding]]]) -> Rule:
    """Make a rule of a function that yields (path, finding) for the whole project."""
    name = getattr(check, "__name__", "")

    def run(project: Project) -> Iterator[Breach]:
        for path, (line, message) in check(project):
            yield Breach(path, line, name, message)

    return Rule(name, check.__doc__ or "", run)


def module_rule(
    *prefixes: str, apart_from: tuple[str, ...] = ()
) -> Callable[[Callable[[Module], Iterator[Finding]]], Rule]:
    """Make a rule of a function over one module, for paths with these prefixes and not those."""

    def decorate(check: Callable[[Module], Iterator[Finding]]) -> Rule:
        name = getattr(check, "__name__", "")

        def run(project: Project) -> Iterator[Breach]:
            for module in project.modules:
                if module.path.startswith(prefixes or "") and not module.path.startswith(apart_from):
                    for line, message in check(module):
                        yield Breach(module.path, line, name, message)

        return Rule(name, check.__doc__ or "", run)

    return decorate
