"""Which text becomes the description: what customers here may read today, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from tests.catalog.formats.onix.messages import (
    dated,
    descriptive,
    message,
    only_record,
    product,
    records_of,
    shortened,
    territory,
)

FOR_THE_TRADE = "Order by Friday, 45 % discount."


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with time_machine.travel("2026-06-15T12:00:00Z", tick=False):
        yield


def content(text: str, *audiences: str, kind: str = "03", where: str = "", dates: str = "") -> str:
    stated = "".join(f"<ContentAudience>{one}</ContentAudience>" for one in audiences)
    return f"<TextContent><TextType>{kind}</TextType>{stated}{where}<Text>{text}</Text>{dates}</TextContent>"


def collateral(*contents: str) -> str:
    return f"<CollateralDetail>{''.join(contents)}</CollateralDetail>"


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ([content("For all.", "00")], "For all."),
        ([content("Nobody says.")], "Nobody says."),
        ([content("A longer one for all.", "00"), content("Customers.", "03")], "Customers."),
        ([content("Short.", "03"), content("The longest of them.", "03")], "The longest of them."),
        ([content("Press and customers.", "07", "03")], "Press and customers."),
        ([content(FOR_THE_TRADE, "02"), content("For all.", "00")], "For all."),
        ([content("Short text.", "03", kind="02"), content("Description.", "00")], "Description."),
        ([content(FOR_THE_TRADE, "02"), content("Short text.", "03", kind="02")], "Short text."),
        ([content("Here.", "03", where=territory(countries="AT DE"))], "Here."),
        ([content("Now.", "03", dates=dated("ContentDate", "14", "20260101"))], "Now."),
        ([content("Now.", "03", dates=dated("ContentDate", "24", "2026010120261231", "06"))], "Now."),
        ([content("Of old.", "03", dates=dated("ContentDate", "01", "19990101"))], "Of old."),
    ],
)
def test_customers_read_what_is_for_them(file: Path, contents: list[str], expected: str) -> None:
    record = only_record(file, collateral(*contents))
    assert (record.values["description"], record.problems, record.warnings) == (expected, [], [])


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        (content("Secret.", "02"), "the audience 02"),
        (content("Secret.", "01"), "the audience 01"),
        (content("Secret.", "01", "03"), "the audience 01 03"),
        (content("Secret.", "99"), "the audience 99"),
        (content("Secret.", "03", where=territory(countries="US")), "for US"),
        (content("Secret.", "03", where=territory(regions="WORLD", without_countries="DE")), "without DE"),
        (content("Secret.", "03", dates=dated("ContentDate", "14", "20260616")), "begins on 2026-06-16"),
        (content("Secret.", "03", dates=dated("ContentDate", "15", "20260614")), "ended on 2026-06-14"),
        (content("Secret.", "03", dates=dated("ContentDate", "27", "2026-07")), "begins on 2026-07-01"),
        (content("Secret.", "03", dates=dated("ContentDate", "99", "20200101")), "the role 99"),
        (content("Secret.", "03", dates=dated("ContentDate", "15", "soon")), "is no date"),
    ],
)
def test_other_texts_stay_inside_and_the_row_says_why(file: Path, inside: str, why: str) -> None:
    record = only_record(file, collateral(inside))
    assert record.values["description"] is None
    (warning,) = record.warnings
    assert (warning.field, warning.type) == ("description", "not-for-customers")
    assert why in warning.message
    assert "Secret." not in warning.message
    assert "Secret." in record.raw["unmapped"]


@pytest.mark.parametrize(
    ("code", "expected"), [("ger", "Auf Deutsch."), ("fre", "In English."), ("", "In English.")]
)
def test_of_several_languages_the_books_own_is_read(file: Path, code: str, expected: str) -> None:
    texts = '<Text language="eng">In English.</Text><Text language="ger">Auf Deutsch.</Text>'
    both = f"<TextContent><TextType>03</TextType><ContentAudience>00</ContentAudience>{texts}</TextContent>"
    language = (
        f"<Language><LanguageRole>01</LanguageRole><LanguageCode>{code}</LanguageCode></Language>"
        if code
        else ""
    )
    record = only_record(file, descriptive(language) + collateral(both))
    assert record.values["description"] == expected


def test_short_tags_say_the_same(file: Path) -> None:
    until = dated("ContentDate", "15", "20260614")
    blocks = collateral(
        content("Gone.", "03", dates=until), content(FOR_THE_TRADE, "02"), content("Here.", "00")
    )
    stated = shortened(message(product(blocks)))
    assert "<x427>02</x427>" in stated
    (record,) = records_of(file, stated)
    assert record.values["description"] == "Here."
