"""One odd optional field warns and is kept raw; only no title and no valid identity refuse a product."""

from pathlib import Path

import pytest

from tests.catalog.formats.onix.messages import descriptive, only_record, product, records_of, supply
from tests.catalog.formats.onix.messages import message as message_of

LONG = "x" * 600


def _extent(value: str) -> str:
    counted = f"<ExtentType>00</ExtentType><ExtentValue>{value}</ExtentValue>"
    return descriptive(f"<Extent>{counted}<ExtentUnit>03</ExtentUnit></Extent>")


def _series(name: str, number: str) -> str:
    elements = (
        f"<TitleElement><TitleElementLevel>02</TitleElementLevel><TitleText>{name}</TitleText></TitleElement>"
        f"<TitleElement><TitleElementLevel>01</TitleElementLevel><PartNumber>{number}</PartNumber></TitleElement>"
    )
    title = f"<TitleDetail><TitleType>01</TitleType>{elements}</TitleDetail>"
    return descriptive(f"<Collection><CollectionType>10</CollectionType>{title}</Collection>")


def _language(code: str) -> str:
    return descriptive(
        f"<Language><LanguageRole>01</LanguageRole><LanguageCode>{code}</LanguageCode></Language>"
    )


def _person(name: str) -> str:
    role = "<ContributorRole>A01</ContributorRole>"
    return descriptive(f"<Contributor>{role}<PersonName>{name}</PersonName></Contributor>")


def _publishing(inner: str) -> str:
    return descriptive() + f"<PublishingDetail>{inner}</PublishingDetail>"


@pytest.mark.parametrize(
    ("blocks", "field", "kept"),
    [
        (_extent("about 300"), "pages", "about 300"),
        (_extent("-5"), "pages", "-5"),
        (_extent("99999999"), "pages", "99999999"),
        (_extent("9" * 5000), "pages", "9" * 5000),
        (_series("Sample Series", "Volume the Twenty-Third"), "series_position", "Volume the Twenty-Third"),
        (_series(LONG, "1"), "series", LONG),
        (_language("zz9"), "language", "zz9"),
        (_person(LONG), "contributors", LONG),
        (_person("Ann").replace("<ContributorRole>A01</ContributorRole>", ""), "contributors", "Ann"),
        (
            descriptive().replace("<TitleDetail>", "<ProductForm>Paperback</ProductForm><TitleDetail>"),
            "format",
            "Paperback",
        ),
        (descriptive(f"<EditionStatement>{LONG}</EditionStatement>"), "edition_statement", LONG),
        (descriptive(title=f"<TitleText>A</TitleText><Subtitle>{LONG}</Subtitle>"), "subtitle", LONG),
        (
            _publishing(
                f"<Publisher><PublishingRole>01</PublishingRole><PublisherName>{LONG}</PublisherName></Publisher>"
            ),
            "publisher",
            LONG,
        ),
        (
            _publishing(
                "<PublishingDate><PublishingDateRole>11</PublishingDateRole><Date>x</Date></PublishingDate>"
            ),
            "first_published",
            "<Date>x",
        ),
    ],
)
def test_an_odd_field_is_left_alone_and_kept_raw(file: Path, blocks: str, field: str, kept: str) -> None:
    record = only_record(file, blocks)
    assert record.problems == []
    assert [one.field for one in record.warnings] == [field]
    assert field not in record.values
    assert kept in record.raw["unmapped"]
    assert len(record.warnings[0].message) < 300


def test_one_odd_name_does_not_cost_the_others_theirs(file: Path) -> None:
    people = "".join(
        f"<Contributor><SequenceNumber>{'9' * 5000}</SequenceNumber><ContributorRole>A01</ContributorRole>"
        f"<PersonName>{name}</PersonName></Contributor>"
        for name in (LONG, "Ann Writer")
    )
    record = only_record(file, descriptive(people))
    assert record.values["contributors"] == [("Ann Writer", "author")]
    assert [one.field for one in record.warnings] == ["contributors"]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (("2024", "20240501"), "2024-05-01"),
        (("20240501", "2024"), "2024-05-01"),
        (("20240501", "soon"), "2024-05-01"),
        (("soon", "20240501"), "2024-05-01"),
    ],
)
def test_of_several_dates_the_one_that_says_most_is_read(
    file: Path, stated: tuple[str, str], expected: str
) -> None:
    dates = (
        f"<PublishingDate><PublishingDateRole>1</PublishingDateRole><Date>{one}</Date></PublishingDate>"
        for one in stated
    )
    record = only_record(file, _publishing("".join(dates)))
    assert record.values["published_on"] == expected
    assert [one.field for one in record.warnings] == ["published_on"] * stated.count("soon")


def test_codes_that_lost_their_zero_or_their_capitals_are_codes(file: Path) -> None:
    blocks = (
        descriptive(
            "<ProductForm>bc</ProductForm><Contributor><ContributorRole>a01</ContributorRole><PersonName>Ann</PersonName></Contributor>"
            "<Language><LanguageRole>1</LanguageRole><LanguageCode>eng</LanguageCode></Language>"
        )
        + _publishing(
            "<PublishingDate><PublishingDateRole>1</PublishingDateRole>"
            '<Date dateformat="5">2024</Date></PublishingDate>'
        ).split("</DescriptiveDetail>")[1]
    )
    text = product(blocks).replace("<ProductIDType>15", "<ProductIDType>3")
    (record,) = records_of(file, message_of(text))
    names = ("format", "contributors", "language", "published_on")
    assert record.isbn13 == "9780261102217"
    assert [record.values[one] for one in names] == ["paperback", [("Ann", "author")], "en", "2024"]


@pytest.mark.parametrize(
    ("title", "number", "series"),
    [
        ("Collected Samples, Volume 2", "Volume 2", "Collected Samples"),
        ("Collected Samples Vol. 2", "2", "Collected Samples"),
        ("Collected Samples", "Bd. 2", "Collected Samples"),
        ("Catch 22", "2", "Catch 22"),
    ],
)
def test_volumes_whose_title_says_their_number_are_of_one_set(
    file: Path, title: str, number: str, series: str
) -> None:
    record = only_record(
        file, descriptive(title=f"<PartNumber>{number}</PartNumber><TitleText>{title}</TitleText>")
    )
    assert (record.values["series"], record.values["series_position"]) == (series, number)


def test_unambiguous_numbers_are_read(file: Path) -> None:
    assert only_record(file, _extent("0310")).values["pages"] == 310
    assert only_record(file, _extent("310.0")).values["pages"] == 310
    assert only_record(file, descriptive(), notification="3").problems == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (product(descriptive(title=f"<TitleText>{LONG}</TitleText>")), "title"),
        (product(descriptive(), isbn="9780261102218"), "isbn"),
        (product(descriptive(), notification="88"), "notification_type"),
    ],
)
def test_what_the_book_is_must_be_right(file: Path, text: str, field: str) -> None:
    (record,) = records_of(file, message_of(text))
    assert [one.field for one in record.problems] == [field]


def test_everything_may_be_odd_at_once(file: Path) -> None:
    odd = supply("<ProductAvailability/><Stock><OnHand/></Stock><Price><PriceAmount/></Price>")
    record = only_record(
        file, _extent("x") + _publishing("<PublishingDate/>").split("</DescriptiveDetail>")[1] + odd
    )
    assert record.problems == []
    assert {one.field for one in record.warnings} == {"pages", "price"}
