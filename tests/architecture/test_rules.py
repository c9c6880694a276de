"""The project keeps its own rules."""

import subprocess
from pathlib import Path

import pytest

from .engine import Project, Rule
from .linters import lint_imports
from .rules import RULES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def project() -> Project:
    return Project.read(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_project_keeps_the_rule(project: Project, rule: Rule) -> None:
    breaches = "\n".join(str(breach) for breach in sorted(set(rule.check(project))))

    assert not breaches, f"{rule.statement}\n{breaches}"


def test_domains_import_only_to_their_right() -> None:
    verdict = lint_imports(ROOT)

    assert verdict.returncode == 0, verdict.stdout


def test_the_checks_see_the_application(project: Project) -> None:
    paths = {module.path for module in project.modules}

    assert {"app/core/db/engine.py", "app/core/errors.py", "tests/architecture/rules.py"} <= paths


def test_what_git_ignores_is_not_judged(tmp_path: Path) -> None:
    subprocess.run(("git", "init", "-q"), cwd=tmp_path, check=True)  # noqa: S607 (Git stands where PATH says)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "ignored.py").write_text("")
    (tmp_path / "new.py").write_text("")

    assert set(Project.read(tmp_path).files) == {".gitignore", "new.py"}


def test_a_project_without_git_is_judged_too(tmp_path: Path) -> None:
    for path in ("app/new.py", ".venv/lib/other.py", ".github/workflows/ci.yml"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("")

    assert set(Project.read(tmp_path).files) == {"app/new.py", ".github/workflows/ci.yml"}
