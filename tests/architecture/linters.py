"""The linters that own a part of the rules, run as `make check` runs them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

_LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (constant commands, this interpreter)
        (sys.executable, *arguments), cwd=folder, capture_output=True, text=True, check=False
    )


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of `.importlinter` on the package `app` in this folder."""
    return _run(folder, "-c", _LINT_IMPORTS, "--config", str(ROOT / ".importlinter"), "--no-cache")


def ruff(file: Path) -> subprocess.CompletedProcess[str]:
    """Check one file by the project's ruff settings."""
    settings = ("--config", str(ROOT / "pyproject.toml"), "--no-cache", "--output-format", "concise")
    return _run(file.parent, "-m", "ruff", "check", *settings, str(file))


def mypy(file: Path) -> subprocess.CompletedProcess[str]:
    """Check one file by the project's mypy settings."""
    settings = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(file.parent / "cache"))
    return _run(file.parent, "-m", "mypy", *settings, str(file))
