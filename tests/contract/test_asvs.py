"""The table of ASVS rows is complete, and every test that it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Levels 1 and 2 of section V4.4 and of the chapters V6, V7 and V8 of ASVS 5.0: section → its last row; those of level 3 come after.
SECTIONS = {
    "4.4": 4,
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
}
ROWS = re.findall(
    r"^\| (\d\.\d+\.\d+) \|.*\| ([^|]+) \|$", (ROOT / "docs" / "asvs.md").read_text(), re.MULTILINE
)


def test_every_row_of_levels_one_and_two_is_answered_once() -> None:
    wanted = [f"{section}.{number}" for section, last in SECTIONS.items() for number in range(1, last + 1)]
    assert [row for row, _ in ROWS] == wanted


@pytest.mark.parametrize(("row", "shown"), ROWS, ids=[row for row, _ in ROWS])
def test_a_row_names_a_test_that_exists_or_a_reason(row: str, shown: str) -> None:
    if shown.startswith("n.a.: "):
        assert len(shown) > len("n.a.: "), row
        return
    path, _, name = shown.partition("::")
    assert f"def {name}(" in (ROOT / "tests" / path).read_text(), row
