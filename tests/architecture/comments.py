"""What comments may not do: silence a check without a reason, or put work off."""

import ast
import re
from collections.abc import Iterator

from .engine import Finding, Module, Project, module_rule, project_rule

_CODE = r"[A-Za-z][A-Za-z0-9-]*"
_CODES = rf"{_CODE}(?:\s*,\s*{_CODE})*"
_SUPPRESSION = re.compile(
    rf"#\s*(?:"
    rf"(?:ruff:\s*|flake8:\s*)?noqa\b(?P<noqa>:\s*[A-Z]+\d+(?:(?:\s*,\s*|\s+)[A-Z]+\d+)*)?"
    rf"|type:\s*ignore\b(?P<ignore>\[{_CODES}\])?"
    rf"|ruff:\s*[\w-]+(?P<ruff>\[{_CODES}\])?"
    rf"|(?:mypy|pyright):\s*[\w-]+(?P<config>[=\[][\w\", -]+\]?)?"
    rf"|pragma:\s*no\s*(?P<pragma>cover|branch)"
    rf"|fmt:\s*(?P<fmt>off|skip)"
    rf")"
)
_REASON = re.compile(r"\w+\W+\w{2,}")
_PUT_OFF = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
_SKIPS = re.compile(
    r"(?:pytest\.)?mark\.(?:skip|skipif|xfail)|pytest\.(?:skip|xfail|importorskip)"
    r"|unittest\.(?:case\.)?(?:skip\w*|expectedFailure|SkipTest)"
)
_RUFF_CODE = re.compile(r'"[A-Z]{1,4}\d*"')


@module_rule()
def suppressions_give_code_and_reason(module: Module) -> Iterator[Finding]:
    """Whoever silences ruff or mypy names the code and says why, in the same comment."""
    for line, comment in module.comments:
        found = list(_SUPPRESSION.finditer(comment))
        if any(not any(each.groupdict().values()) for each in found):
            yield line, f"suppression without a code: {comment}"
        elif found and not _REASON.search(_SUPPRESSION.sub("", comment)):
            yield line, f"suppression without a reason: {comment}"


@project_rule
def ruff_ignores_give_a_reason(project: Project) -> Iterator[tuple[str, Finding]]:
    """Beside every rule that `pyproject.toml` turns off stands why."""
    section = ""
    for number, line in enumerate(project.files.get("pyproject.toml", "").splitlines(), start=1):
        section = line if line.startswith("[") else section
        is_selection = line.startswith(("select", "extend-select"))
        if "tool.ruff" in section and _RUFF_CODE.search(line) and not is_selection and "#" not in line:
            yield "pyproject.toml", (number, f"ignored without a reason: {line.strip()}")


@module_rule()
def nothing_is_put_off(module: Module) -> Iterator[Finding]:
    """Comments and docstrings hold no reminders: work is an issue, or it is done."""
    for line, comment in module.comments:
        if found := _PUT_OFF.search(comment):
            yield line, f"{found[0]} in a comment"
    for node in (module.tree, *module.classes, *module.functions):
        if found := _PUT_OFF.search(ast.get_docstring(node) or ""):
            yield node.body[0].lineno, f"{found[0]} in a docstring"


# What no wheel brings: a browser, a checkout's history, PgBouncer, a PostgreSQL with TLS. A variable of each makes its
# absence a failure.
_NEEDS_MORE = (
    "tests/browser/",
    "tests/ops/test_previous_release.py",
    "tests/ops/backups/test_tls.py",
    "tests/worker/test_pooler.py",
)


@module_rule("tests/", apart_from=_NEEDS_MORE)
def no_test_is_skipped(module: Module) -> Iterator[Finding]:
    """A test runs and passes, everywhere, or it is deleted; but for those that need what no wheel brings."""
    for node in module.nodes:
        if isinstance(node, ast.Name | ast.Attribute):
            name = module.qualified(node)
            if name and _SKIPS.fullmatch(name):
                yield node.lineno, f"uses {name}"
