"""The locks follow pyproject.toml: each package that it asks for stands in its lock, at a version that it takes."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
DEPENDENCIES = PROJECT["project"]["dependencies"]
LOCKS = {
    "base": DEPENDENCIES,
    "dev": [*DEPENDENCIES, *GROUPS["dev"], *GROUPS["embedded"]],
    "load": GROUPS["load"],
}


def pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """Names and versions; each with hashes, without which pip takes nothing from a lock."""
    for entry in re.split(r"\n(?=\S)", lock.read_text()):
        if found := re.match(r"([\w.-]+)==(\S+)", entry):
            assert "--hash=sha256:" in entry, found[1]
            yield canonicalize_name(found[1]), found[2]


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_what_the_project_asks_for(name: str) -> None:
    versions = dict(pinned(ROOT / "requirements" / f"{name}.lock"))
    for text in LOCKS[name]:
        wanted = Requirement(text)
        version = versions.get(canonicalize_name(wanted.name))
        assert version, f"{wanted.name} is not in requirements/{name}.lock: make lock"
        assert wanted.specifier.contains(version, prereleases=True), (
            f"{text} is locked at {version}: make lock"
        )


def test_what_is_tested_is_what_is_shipped() -> None:
    base, dev = (dict(pinned(ROOT / "requirements" / f"{name}.lock")) for name in ("base", "dev"))
    assert base.items() <= dev.items()
