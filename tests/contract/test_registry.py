"""The registry names every module that registers something, and none that registers nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import registry

APP = Path(registry.__file__).parent
NEEDED_EVERYWHERE = {"on_constraint", "on_opened", "ends", "__tablename__"}
NEEDED_BY_THE_WORKER = {"handles", "delivers", "scheduled"}


def registrations(tree: ast.Module) -> Iterator[str]:
    """What the module's top level registers by: a call, a decorator, a mapped class."""
    for statement in tree.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield ast.unparse(statement.value.func)
        for decorator in getattr(statement, "decorator_list", ()):
            yield ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if isinstance(statement, ast.ClassDef) and "__tablename__" in ast.unparse(statement):
            yield "__tablename__"


def registering(names: set[str]) -> set[str]:
    """The modules of the application that register by one of these names."""
    return {
        ".".join(("app", *path.relative_to(APP).with_suffix("").parts))
        for path in APP.rglob("*.py")
        if not names.isdisjoint(registrations(ast.parse(path.read_text())))
    }


def imported_by(function: str) -> set[str]:
    """What a fresh process has imported after the registry's function alone."""
    code = f"import sys; from app import registry; registry.{function}(); print(*sys.modules)"
    answer = subprocess.run(  # noqa: S603 (our own interpreter and our own line)
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(answer.stdout.split())


@pytest.mark.parametrize(
    ("function", "names"),
    [("load", NEEDED_EVERYWHERE), ("load_handlers", NEEDED_EVERYWHERE | NEEDED_BY_THE_WORKER)],
)
def test_the_registry_imports_whatever_registers_by_being_imported(function: str, names: set[str]) -> None:
    expected = registering(names)
    assert "app.identity.passkeys.errors" in expected
    assert expected - imported_by(function) == set()


def test_no_listed_module_registers_nothing() -> None:
    known = registering(NEEDED_EVERYWHERE | NEEDED_BY_THE_WORKER)
    # A package of models stands for its modules, which it imports.
    packages = {module.rpartition(".")[0] for module in known if ".models." in module}
    assert {*registry.MODULES, *registry.HANDLERS} - known - packages == set()


@pytest.mark.parametrize(
    ("source", "registered"),
    [
        ("on_constraint('uq', Error, 'field', 'Taken.')", {"on_constraint"}),
        ("@scheduled('purge', HOUR)\nasync def purge(): ...", {"scheduled"}),
        ("@delivers(Event)\nasync def mail(): ...", {"delivers"}),
        ("class Row(Base):\n    __tablename__ = 'rows'", {"__tablename__"}),
        ("def later():\n    on_constraint('uq', Error, 'field', 'Taken.')", set()),
        ("@dataclass(frozen=True)\nclass Plain: ...", {"dataclass"}),
    ],
)
def test_what_counts_as_registering(source: str, registered: set[str]) -> None:
    assert set(registrations(ast.parse(source))) == registered
