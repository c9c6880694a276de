"""Slugs made from names."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.slugs import LONGEST_SLUG, SLUG_PATTERN, make_slug


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Science Fiction", "science-fiction"),
        ("Children's Books", "childrens-books"),
        ("Children\u2019s Books", "childrens-books"),
        ("  Art & Architecture!  ", "art-architecture"),
        ("Żółć, Çay und Straße", "zolc-cay-und-strasse"),
        ("Smørrebrød", "smorrebrod"),
        ("\uff26\uff35\uff2c\uff2c width", "full-width"),
        ("20th Century", "20th-century"),
        ("19 84 x", "19-84-x"),
        ("📚 Books", "books"),
    ],
)
def test_a_name_becomes_plain_words_joined_by_dashes(name: str, slug: str) -> None:
    assert make_slug(name) == slug


@pytest.mark.parametrize("name", ["1984", "فانتازيا", "歴史", "📚", "---", ""])
def test_without_a_latin_letter_there_is_no_slug(name: str) -> None:
    assert make_slug(name) is None


def test_a_long_name_is_cut_without_a_dash_at_the_end() -> None:
    assert make_slug("x" * 79 + " tail") == "x" * 79


@given(st.text(max_size=300))
def test_every_slug_is_one_that_a_client_might_send(name: str) -> None:
    slug = make_slug(name)
    assert slug is None or (re.fullmatch(SLUG_PATTERN, slug) and len(slug) <= LONGEST_SLUG)
