"""What no file of the repository names: a package registry, or a path of somebody's machine."""

import re
from collections.abc import Iterator

from .engine import Finding, Project, project_rule

# The escapes keep these patterns from matching themselves.
_REGISTRY = re.compile(r"\b(?:pypi\.org|files\.pythonhosted\.org|registry\.npmjs\.org)\b", re.IGNORECASE)
_INDEX_OPTION = re.compile(r"^\s*(?:-i\b|--(?:extra-)?index-url|--find-links|-f\b|--trusted-host)")
_MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root)/|(?<!\w)/Users/\w+/")


def _matches(project: Project, pattern: re.Pattern[str], under: str = "") -> Iterator[tuple[str, Finding]]:
    for path, text in project.files.items():
        if not path.startswith(under):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if found := pattern.search(line):
                yield path, (number, f"names {found[0].strip()}")


@project_rule
def no_registry_is_named(project: Project) -> Iterator[tuple[str, Finding]]:
    """Where packages come from is the business of whoever installs them."""
    yield from _matches(project, _REGISTRY)


@project_rule
def locks_have_no_index_options(project: Project) -> Iterator[tuple[str, Finding]]:
    """A lock names versions and hashes, which hold on any index."""
    yield from _matches(project, _INDEX_OPTION, under="requirements/")


@project_rule
def no_machine_path_is_named(project: Project) -> Iterator[tuple[str, Finding]]:
    """What only exists on one machine works on one machine."""
    yield from _matches(project, _MACHINE_PATH)
