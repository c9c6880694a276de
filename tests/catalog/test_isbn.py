"""The ISBN rules (ISO 2108), with the examples of the standard's own texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.isbn import MistypedIsbn, parse_isbn, to_isbn10, to_isbn13


@pytest.mark.parametrize(
    "printed",
    [
        "9780306406157",
        "978-0-306-40615-7",
        "978 0 306 40615 7",
        "9780306406157 51495",
        "ISBN 978-0-306-40615-7",
        "isbn-13: 978-0-306-40615-7",
        "978‐0‑306‒40615–7",
        "978—0―306−40615﹣7",
        "９７８-０-３０６-４０６１５-７",
        "\u200b978\u00ad0306406157\ufeff",
        "ISBN-13 \u200f : \u200e 978-0306406157",
        "\u202a9780306406157\u202c",
        "0-306-40615-2",
        "ISBN-10 0306406152",
        "[9780306406157]",
        "9780306406157 (pbk.)",
        "0-306-40615-2 (hardback : acid-free paper)",
        "urn:isbn:9780306406157",
        "URN:ISBN:0-306-40615-2",
        "ISBN: 9780306406157",
        "isbn=9780306406157",
        "(ISBN 0-306-40615-2)",
        "https://books.example/isbn/9780306406157?x=1",
        "Paperback, 978-0-306-40615-7, 310 pages",
        "978 0 306 40615 7 : 12.50",
        "goodreads:0439023483,isbn:9780306406157",
        "9780306406157; 0306406152",
        "SBN 306-40615-2",
        "306406152",
        "978.0.306.40615.7",
        "978/0/306/40615/7",
        "9,780,306,406,157",
    ],
)
def test_every_printed_form_is_one_number(printed: str) -> None:
    assert parse_isbn(printed) == "9780306406157"


def test_x_is_the_check_digit_ten_in_either_case() -> None:
    assert parse_isbn("0-8044-2957-x") == parse_isbn("080442957X") == "9780804429573"


@pytest.mark.parametrize(
    ("printed", "reason"),
    [
        ("9780306406158", "check digit of this ISBN-13"),
        ("978030640615851495", "check digit of this ISBN-13"),
        ("0306406153", "check digit of this ISBN-10"),
        ("9790060115615", "printed music"),
        ("٩٧٨٠٣٠٦٤٠٦١٥٧", "10 digits"),
        ("978030640615²", "check digit of this ISBN-13"),
        ("X306406152", "10 digits"),
        ("30640615.2", "10 digits"),
        ("12345", "10 digits"),
        ("", "10 digits"),
        ("9.78E+12", "10 digits"),
        ("9780306406158 (pbk.)", "check digit of this ISBN-13"),
        ("9780306406157, 9780261102217", "several ISBNs: 9780306406157, 9780261102217"),
        ("97803064061577", "10 digits"),
        ("9780306406157X", "10 digits"),
        ("phone 123456", "10 digits"),
    ],
)
def test_what_is_no_isbn_is_refused_with_the_reason(printed: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        parse_isbn(printed)
    assert str(refusal.value)


def test_a_979_number_has_no_isbn10() -> None:
    assert parse_isbn("979-10-90636-07-1") == "9791090636071"
    assert to_isbn10("9791090636071") is None


@given(st.text("0123456789", min_size=9, max_size=9))
def test_ten_and_thirteen_digits_name_the_same_book(first_nine: str) -> None:
    isbn13 = to_isbn13(first_nine + "0")
    isbn10 = to_isbn10(isbn13)
    assert isbn10 is not None
    assert parse_isbn(isbn10) == parse_isbn(isbn13) == isbn13


@pytest.mark.parametrize(
    "typed",
    [
        "9780306406158",
        "9780306406517",
        "9780306046157",
        "0306406153",
        "0306406125",
        "978-0-306-40615-8 (pbk.)",
    ],
)
def test_a_mistyped_number_has_the_meant_one_among_its_neighbours(typed: str) -> None:
    with pytest.raises(MistypedIsbn) as refusal:
        parse_isbn(typed)
    neighbours = refusal.value.neighbours
    assert "9780306406157" in neighbours
    assert len(neighbours) <= 30
    assert [parse_isbn(one) for one in neighbours] == neighbours
