"""Escapes of cells are undone exactly, whatever the text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.catalog.formats.cell_text import (
    escape_formula,
    join_list,
    join_tags,
    keep_markup,
    split_list,
    split_tags,
    unescape_formula,
)
from app.catalog.formats.cells import read_subject, subjects_cell
from app.catalog.formats.markup import plain_text
from app.catalog.formats.people import credits_cell, credits_of
from app.catalog.models import ContributorRole

DANGEROUS = "=+-@\t\r\n＝＋－＠"
ENTRY = st.text(r";|\ab()',é=", min_size=1).map(str.strip).filter(bool)
NAME = st.text(r";|\ab(),é=editor", min_size=1, max_size=30).map(str.strip).filter(bool)


@given(st.text("'=+-@\t\r\n＝＋－＠ax ") | st.text())
def test_escaping_of_formulas_is_reversible(text: str) -> None:
    escaped = escape_formula(text)
    assert escaped[:1] not in DANGEROUS or not escaped
    assert unescape_formula(escaped) == text


@pytest.mark.parametrize("text", ["'Tis", "'", "", "a=b", "''", "' =x"])
def test_ordinary_apostrophes_are_left_alone(text: str) -> None:
    assert escape_formula(text) == text
    assert unescape_formula(text) == text


@given(st.lists(ENTRY, unique=True))
@example(['["A", "B"]'])
def test_lists_in_a_cell_are_read_back(entries: list[str]) -> None:
    assert split_list(join_list(entries)) == entries


@given(st.lists(ENTRY | st.text(r";|\,、a ", min_size=1).map(str.strip).filter(bool), unique=True))
def test_tags_in_a_cell_are_read_back_commas_and_all(tags: list[str]) -> None:
    assert split_tags(join_tags(tags)) == tags


@given(st.text('<>&;/!abpreqt="#1x \n\t', max_size=40) | st.text())
@example("<pre>a</pre>")
@example("&amp;lt;b&amp;gt;")
@example("<p>a</p>")
def test_text_that_looks_like_markup_is_written_so_that_it_comes_back(text: str) -> None:
    stripped = text.strip()
    assert plain_text(keep_markup(stripped)) == stripped


@given(st.lists(st.tuples(NAME, st.sampled_from([role.value for role in ContributorRole])), unique=True))
def test_people_in_a_cell_are_read_back(people: list[tuple[str, str]]) -> None:
    assert credits_of(credits_cell(people)) == people


@given(st.lists(ENTRY.map(lambda text: " ".join(text.split())), unique=True, max_size=5))
def test_subjects_in_a_cell_are_read_back(headings: list[str]) -> None:
    subjects = [
        {"scheme": "own", "code": f"X{number}", "heading": text} for number, text in enumerate(headings)
    ]
    assert [read_subject(entry) for entry in split_list(subjects_cell(subjects))] == subjects
