"""Planted breaches of the rules on style, comments and hygiene, and their near misses."""

from .planting import Breaks, Keeps, Plant

_ANY = "app/catalog/isbn.py"
_TEST = "tests/test_books.py"
_DOT = "."

_LONG_DOCSTRING = '    """One\n' + "    more\n" * 50 + '    """\n'


def _function(statements: int, docstring: str = "") -> str:
    return "\ndef f():\n" + docstring + "    x = g(\n        1\n    )\n" * statements


STYLE: tuple[Plant, ...] = (
    Breaks("files_are_short", _ANY, "x = 1\n" * 401, line=401, says="401 lines, 400 allowed"),
    Breaks("files_are_short", _TEST, "x = 1\n" * 401, line=401),
    Keeps("files_are_short", _ANY, "x = 1\n" * 400),
    Keeps("files_are_short", "alembic/versions/0001_initial.py", "x = 1\n" * 401),
    Breaks("functions_are_short", _ANY, _function(41), line=2, says="f has 41 statements, 40 allowed"),
    Breaks(
        "functions_are_short",
        _TEST,
        "def f():\n    def g():\n" + "        x = 1\n" * 40,
        says="f has 41 statements",
    ),
    Keeps("functions_are_short", _ANY, _function(40, _LONG_DOCSTRING)),
    Breaks("literals_are_not_starred", _ANY, 'f(*("a", "b"), c)\n', says="stars the literal ('a', 'b')"),
    Breaks("literals_are_not_starred", _TEST, "x = (\n    *[1, 2],\n    3,\n)\n", line=2),
    Keeps("literals_are_not_starred", _ANY, "f(*names)\nx = (*NAMES, *(n for n in names))\na, *(b), c = d\n"),
    Breaks("assignments_have_two_targets", _ANY, "a, b, c = 1, 2, 3\n", says="assigns 3 targets"),
    Breaks("assignments_have_two_targets", _TEST, "\na = b = c = 0\n", line=2),
    Keeps("assignments_have_two_targets", _ANY, 'a, b = b, a\nc = d = 0\nhead, _, tail = e.partition(",")\n'),
    Breaks(
        "parameters_are_few", _ANY, "def f(a, b, /, c, d, *e, f, **g): ...\n", says="f takes 7 parameters"
    ),
    Keeps("parameters_are_few", _ANY, "class A:\n    def f(self, a, b, c, d, e, f): ...\n"),
    Breaks("imports_stand_at_the_top", _ANY, "def f():\n    import json\n", line=2, says="import inside f"),
    Breaks("imports_stand_at_the_top", _TEST, "class A:\n    from json import loads\n", line=2),
    Keeps("imports_stand_at_the_top", _ANY, "if TYPE_CHECKING:\n    import json\n"),
    Breaks("files_are_named_for_what_they_hold", "app/core/utils.py", "", says="utils says nothing"),
    Breaks("files_are_named_for_what_they_hold", "tests/helpers/books.py", ""),
    Keeps("files_are_named_for_what_they_hold", "app/core/utilities_bill.py", ""),
    Breaks(
        "one_clock", _ANY, "from datetime import datetime as dt\ndt.now(UTC)\n", line=2, says="datetime.now"
    ),
    Breaks("one_clock", _ANY, "import datetime\nx = datetime.date.today\n", line=2),
    Breaks(
        "one_clock", _TEST, "import time\nfrom time import time as now\nnow()\n", line=3, says="time.time"
    ),
    Keeps("one_clock", "app/core/clock.py", "from datetime import datetime\ndatetime.now()\n"),
    Keeps("one_clock", _ANY, "import time\ntime.perf_counter()\ntime.monotonic()\nfunc.now()\nclock.now()\n"),
    Breaks("modules_open_with_a_sentence", "app/catalog/__init__.py", "import json\n", says="no docstring"),
    Keeps("modules_open_with_a_sentence", _ANY, '"""ISBNs."""\n'),
)

COMMENTS: tuple[Plant, ...] = (
    Breaks("suppressions_give_code_and_reason", _ANY, "\nx = 1  # noqa\n", line=2, says="without a code"),
    Breaks("suppressions_give_code_and_reason", _ANY, "x = 1  # noqa: S101, S102\n", says="without a reason"),
    Breaks("suppressions_give_code_and_reason", _TEST, "x = 1  # type: ignore\n", says="without a code"),
    Breaks("suppressions_give_code_and_reason", _TEST, "x = 1  # type: ignore[arg-type]\n", says="reason"),
    Breaks("suppressions_give_code_and_reason", _ANY, "# ruff: noqa\n", says="without a code"),
    Breaks("suppressions_give_code_and_reason", _ANY, "# mypy: ignore-errors\n", says="without a code"),
    Breaks(
        "suppressions_give_code_and_reason", _ANY, "x = 1  # type: ignore[a]  # noqa: S101\n", says="reason"
    ),
    Keeps("suppressions_give_code_and_reason", _ANY, "x = 1  # noqa: S101, S102 (the stub is wrong)\n"),
    Keeps(
        "suppressions_give_code_and_reason", _ANY, "x = 1  # type: ignore[arg-type]  # the stub is wrong\n"
    ),
    Keeps("suppressions_give_code_and_reason", _ANY, "x = '# noqa'  # rows of any type\n"),
    Breaks(
        "ruff_ignores_give_a_reason",
        "pyproject.toml",
        '[tool.ruff.lint]\nignore = [\n  "D203", # no\n  "D212",\n]\n',
        line=4,
        says='"D212"',
    ),
    Keeps(
        "ruff_ignores_give_a_reason",
        "pyproject.toml",
        '[tool.ruff.lint]\nselect = ["ALL"]\n[a]\nb = ["D1"]\n',
    ),
    Breaks("nothing_is_put_off", _ANY, "# TODO: later\n", says="TODO in a comment"),
    Breaks("nothing_is_put_off", _TEST, 'def f():\n    """FIXME"""\n', line=2, says="FIXME in a docstring"),
    Keeps("nothing_is_put_off", _TEST, "mask = 'XXX'  # TODOS\n"),
    Breaks("no_test_is_skipped", _TEST, "@pytest.mark.skip\ndef test_a(): ...\n", says="pytest.mark.skip"),
    Breaks(
        "no_test_is_skipped", _TEST, "from pytest import skip as s\ns('later')\n", line=2, says="pytest.skip"
    ),
    Breaks("no_test_is_skipped", _TEST, "pytestmark = pytest.mark.xfail(strict=True)\n"),
    Keeps("no_test_is_skipped", _TEST, "page.skip(3)\npytest.mark.parametrize\n"),
)

HYGIENE: tuple[Plant, ...] = (
    Breaks(
        "no_registry_is_named", "docs/a.md", f"x\nhttps://pypi{_DOT}org/simple\n", line=2, says="names pypi"
    ),
    Breaks("no_registry_is_named", "web/package-lock.json", f"https://registry{_DOT}npmjs.org/x\n"),
    Keeps("no_registry_is_named", "docs/a.md", "numpypi.organised\n"),
    Breaks("locks_have_no_index_options", "requirements/base.lock", "--index-url x\n", says="--index-url"),
    Breaks("locks_have_no_index_options", "requirements/base.lock", "--find-links here\n"),
    Keeps("locks_have_no_index_options", "requirements/base.lock", "a==1 \\\n    --hash=sha256:00\n"),
    Breaks("no_machine_path_is_named", ".github/workflows/ci.yml", f"\ncd /{'work'}/main\n", line=2),
    Breaks("no_machine_path_is_named", "app/a.py", f"x = '/{'root'}/.cache'\n"),
    Keeps(
        "no_machine_path_is_named", "docs/a.md", "see ../work/ and https://example.org/works/ and app/root/\n"
    ),
)
