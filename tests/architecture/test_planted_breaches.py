"""The checks can fail: each reports the breach planted for it, with file, line and rule."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .engine import Project
from .linters import lint_imports, mypy, ruff
from .planting import Breaks, Keeps
from .plants_layers import ERRORS, LAYERS, SQL, TRANSACTIONS
from .plants_style import COMMENTS, HYGIENE, STYLE
from .rules import RULES, breaches_of

PLANTS = (*LAYERS, *TRANSACTIONS, *ERRORS, *SQL, *STYLE, *COMMENTS, *HYGIENE)

DOMAINS = ("core", "identity", "catalog", "sales", "community", "messaging", "admin", "ops")


@pytest.mark.parametrize("plant", [plant for plant in PLANTS if isinstance(plant, Breaks)], ids=str)
def test_a_planted_breach_is_reported(plant: Breaks, tmp_path: Path) -> None:
    plant.grow(tmp_path)

    reports = [str(breach) for breach in breaches_of(Project.read(tmp_path))]

    head = f"{plant.path}:{plant.line}: [{plant.rule}] "
    assert any(report.startswith(head) and plant.says in report for report in reports), reports


@pytest.mark.parametrize("plant", [plant for plant in PLANTS if isinstance(plant, Keeps)], ids=str)
def test_a_near_miss_is_left_alone(plant: Keeps, tmp_path: Path) -> None:
    plant.grow(tmp_path)

    breaches = breaches_of(Project.read(tmp_path))

    assert plant.rule not in {breach.rule for breach in breaches}, breaches


@pytest.mark.parametrize("kind", [Breaks, Keeps])
def test_every_rule_has_a_planted_breach_and_a_near_miss(kind: type[Breaks | Keeps]) -> None:
    assert {plant.rule for plant in PLANTS if isinstance(plant, kind)} == {rule.name for rule in RULES}


def _plant_package(root: Path, sources: dict[str, str]) -> None:
    for domain in DOMAINS:
        (root / "app" / domain).mkdir(parents=True)
        (root / "app" / domain / "__init__.py").touch()
    (root / "app" / "__init__.py").touch()
    for path, source in sources.items():
        (root / "app" / path).parent.mkdir(exist_ok=True)
        (root / "app" / path).write_text(source)


def test_an_import_to_the_left_breaks_the_contract(tmp_path: Path) -> None:
    breaches = {
        "core/cache.py": ("app.identity", 1),
        "identity/deps.py": ("app.catalog", 2),
        "catalog/stock.py": ("app.sales", 3),
        "sales/ratings.py": ("app.community", 1),
        "community/mail.py": ("app.messaging", 1),
        "messaging/audit.py": ("app.admin", 1),
        "ops/info.py": ("app.main", 1),
    }
    _plant_package(
        tmp_path,
        {path: "\n" * (line - 1) + f"import {target}\n" for path, (target, line) in breaches.items()}
        | {"main.py": ""},
    )

    verdict = lint_imports(tmp_path)

    assert verdict.returncode == 1
    for path, (target, line) in breaches.items():
        importer = "app." + path.removesuffix(".py").replace("/", ".")
        assert f"{importer} -> {target} (l.{line})" in verdict.stdout


def test_imports_to_the_right_keep_the_contract(tmp_path: Path) -> None:
    below = {
        f"{importer}/a.py": f"import app.{imported}\n"
        for importer, imported in zip(DOMAINS[1:5], DOMAINS[:4], strict=True)
    }
    _plant_package(tmp_path, below | {"main.py": "import app.ops\nimport app.core\n"})

    verdict = lint_imports(tmp_path)

    assert verdict.returncode == 0, verdict.stdout


def test_a_domain_without_a_place_in_the_order_breaks_the_contract(tmp_path: Path) -> None:
    _plant_package(tmp_path, {"lending/__init__.py": ""})

    verdict = lint_imports(tmp_path)

    assert verdict.returncode == 1
    assert "lending" in verdict.stdout


@pytest.mark.parametrize(
    ("linter", "source", "code"),
    [
        (ruff, '"""A."""\n\nimport json\n', "F401"),
        (
            ruff,
            '"""A."""\n\n\ndef f() -> None:\n    """F."""\n    import json\n    json.loads("")\n',
            "PLC0415",
        ),
        (ruff, '"""A."""\n\nprint("found")\n', "T201"),
        (mypy, "def f(x):\n    return x\n", "no-untyped-def"),
        (mypy, "x: int = 'a'  # type: ignore\n", "ignore-without-code"),
    ],
    ids=("unused import", "import in a function", "print", "no annotation", "ignore without code"),
)
def test_the_linters_report_what_is_theirs(
    linter: Callable[[Path], CompletedProcess[str]], source: str, code: str, tmp_path: Path
) -> None:
    file = tmp_path / "planted.py"
    file.write_text(source)

    verdict = linter(file)

    assert verdict.returncode == 1
    assert code in verdict.stdout
