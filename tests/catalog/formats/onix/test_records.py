"""What becomes of a product: fields, actions, and the parts that have no field."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from app.catalog.formats.record import Action
from tests.catalog.formats.onix.messages import (
    HOBBIT,
    HOBBIT_VALUES,
    collateral,
    descriptive,
    message,
    only_record,
    opened,
    product,
    records_of,
    shortened,
)


@pytest.mark.parametrize("is_short", [False, True], ids=["reference names", "short tags"])
@pytest.mark.parametrize("has_namespace", [True, False], ids=["namespace", "no namespace"])
def test_a_full_record_gives_every_field(file: Path, is_short: bool, has_namespace: bool) -> None:
    text = message(HOBBIT)
    text = shortened(text) if is_short else text
    if not has_namespace:
        text = text.replace(' xmlns="http://ns.editeur.org/onix/3.0/', ' x="')
    (record,) = records_of(file, text)

    assert record.problems == []
    assert (record.number, record.action, record.isbn13) == (1, Action.PUT, "9780261102217")
    assert record.values.pop("price") == Decimal("9.99")
    assert record.values.pop("subjects") == [
        {"scheme": "thema", "code": "FMB", "heading": "Epic fantasy"},
        {"scheme": "bisac", "code": "FIC009020", "heading": None},
        {"scheme": "thema", "code": "1DDU", "heading": None},
    ]
    assert record.values == HOBBIT_VALUES
    assert record.raw["record_reference"] == "com.globalbookinfo.onix.01734529"
    assert (record.raw["isbn"], record.raw["title"]) == ("9780261102217", "The Hobbit")


@pytest.mark.parametrize("release", ["3.0", "3.1"])
@pytest.mark.parametrize("host", ["ns", "www"])
def test_old_and_newer_namespaces_are_known(file: Path, host: str, release: str) -> None:
    text = message(HOBBIT, namespace=f"http://{host}.editeur.org/onix/{release}/reference")
    (record,) = records_of(file, text.replace('release="3.0"', f'release="{release}"'))
    assert record.values["title"] == "The Hobbit"


def test_parts_without_a_field_are_kept_as_xml_by_block(file: Path) -> None:
    (record,) = records_of(file, message(HOBBIT))
    parts = json.loads(record.raw["unmapped"])

    assert set(parts) == {"DescriptiveDetail", "PublishingDetail", "ProductSupply"}
    for kept in ("<Measurement>178", "Christopher Tolkien", "<LanguageCode>fre", "rings"):
        assert kept in parts["DescriptiveDetail"]
    for mapped in ("Alan", "FIC009020", "<ExtentValue>", "Subtitle"):
        assert mapped not in parts["DescriptiveDetail"]
    assert "PublishingStatus" in parts["PublishingDetail"]
    assert "8.99" in parts["ProductSupply"]


def test_a_full_record_empties_what_it_leaves_out_but_title_price_quantity_and_first_publication(
    file: Path,
) -> None:
    record = only_record(file, descriptive())

    assert record.values == {
        "title": "The Hobbit",
        **dict.fromkeys(("subtitle", "edition_statement", "series", "series_position")),
        **dict.fromkeys(("language", "pages", "format")),
        **dict.fromkeys(("description", "publisher", "published_on")),
        "contributors": [],
        "subjects": [],
    }
    assert "unmapped" not in record.raw


def test_a_block_update_speaks_only_of_its_blocks(file: Path) -> None:
    record = only_record(file, collateral("New text."), notification="04")
    assert record.action is Action.PATCH
    assert record.values == {"description": "New text."}
    assert json.loads(record.raw["unmapped"]) == {"Product": "", "CollateralDetail": ""}

    empty = only_record(file, "<CollateralDetail/>", notification="04")
    assert empty.values == {"description": None}


def test_a_deletion_has_nothing_but_the_isbn(file: Path) -> None:
    record = only_record(file, "<DeletionText>Issued in error</DeletionText>", notification="05")
    assert (record.action, record.isbn13, record.values, record.problems) == (
        Action.DELETE,
        "9780261102217",
        {},
        [],
    )


@pytest.mark.parametrize("code", ["08", "12", "88", "89", ""])
def test_other_notifications_and_test_records_are_refused(file: Path, code: str) -> None:
    record = only_record(file, descriptive(), notification=code)
    assert [problem.field for problem in record.problems] == ["notification_type"]
    assert record.values == {}


def _identified(*identifiers: tuple[str, str]) -> str:
    stated = "".join(
        f"<ProductIdentifier><ProductIDType>{kind}</ProductIDType><IDValue>{value}</IDValue></ProductIdentifier>"
        for kind, value in identifiers
    )
    start = "<Product><RecordReference>r</RecordReference><NotificationType>05</NotificationType>"
    return message(f"{start}{stated}</Product>")


def test_the_isbn_comes_from_any_identifier_that_is_one(file: Path) -> None:
    for identifiers in (
        [("15", "978-0-261-10221-7")],
        [("01", "77"), ("02", "0261102214")],
        [("03", "5012345678900"), ("03", "9780261102217")],
        [("15", "9780261102218"), ("03", "9780261102217")],
    ):
        (record,) = records_of(file, _identified(*identifiers))
        assert (record.isbn13, record.problems) == ("9780261102217", [])


def test_a_wrong_isbn_is_a_problem_and_none_is_left_to_the_import(file: Path) -> None:
    (wrong,) = records_of(file, _identified(("15", "9780261102218")))
    assert [problem.field for problem in wrong.problems] == ["isbn"]
    (none,) = records_of(file, _identified(("01", "77"), ("03", "5012345678900")))
    assert (none.isbn13, none.problems) == (None, [])


def test_a_problem_names_its_field_and_spares_the_other_products(file: Path) -> None:
    text = message(
        product(descriptive(title=f"<TitleText>{'x' * 501}</TitleText>")),
        product(descriptive(), isbn="9780261103573"),
    )
    first, second = records_of(file, text)
    assert [problem.field for problem in first.problems] == ["title"]
    assert (second.number, second.problems) == (2, [])


def test_raw_parts_are_bounded(file: Path) -> None:
    many = "".join(
        f"<Measure><MeasureType>01</MeasureType><Measurement>{'9' * 10_000}</Measurement></Measure>"
        for _ in range(20)
    )
    record = only_record(file, descriptive(many))
    assert len(record.raw["unmapped"]) < 70_000
    assert "14 more left out" in record.raw["unmapped"]


def test_utf16_and_declared_western_encodings_are_read(file: Path) -> None:
    text = message(product(descriptive(title="<TitleText>Café</TitleText>")))
    undeclared = text.replace(' encoding="UTF-8"', "")
    for content, encoding in (
        (text.replace("UTF-8", "UTF-16").encode("utf-16"), None),
        (text.replace("UTF-8", "windows-1252").encode("cp1252"), None),
        *((undeclared.encode("cp1252"), name) for name in ("cp1252", "windows_1252", "Windows 1252")),
        *((undeclared.encode(name), name) for name in ("utf-16-le", "utf-16-be")),
        (undeclared.encode(), "utf_8"),
        (b"\xef\xbb\xbf" + text.encode(), None),
    ):
        (record,) = records_of(file, content, encoding)
        assert record.values["title"] == "Café"


@pytest.mark.parametrize(
    ("written", "encoding", "expected"),
    [
        (b"It\x92s five \x80", "ISO-8859-1", "It\u2019s five €"),
        (b"It\x92s five \x80", "latin1", "It\u2019s five €"),
        (b"It\x92s five \x80", "US-ASCII", "It\u2019s five €"),
        (b"It\x92s five \x80", "windows-1252", "It\u2019s five €"),
        (b"It&#146;s five &#x80;", "UTF-8", "It\u2019s five €"),
        (b"It\xc2\x92s five \xc2\x80", "UTF-8", "It\u2019s five €"),
        (b"\xb5\xbe", "ISO-8859-2", "ľž"),
        (b"\xf0\xfe", "ISO-8859-9", "ğş"),
        (b"Caf\xc3\xa9", "UTF-16", "Café"),
        (b"Caf\xc3\xa9 \xe2\x82\xac", "ISO-8859-1", "Café €"),
        (b"Caf\xc3\xa9", "windows-1251", "Café"),
        (b"Caf&eacute;&nbsp;&euro;&ndash;&AMP;&LT;", "UTF-8", "Café €–&<"),
        (b"<![CDATA[Caf&eacute; &lt;]]>", "UTF-8", "Café <"),
        (b"Caf\xc3\xa9 &#38; &#x26; &#8217;", "UTF-8", "Café & & \u2019"),
    ],
)
def test_bytes_are_read_as_browsers_read_them(
    file: Path, written: bytes, encoding: str, expected: str
) -> None:
    text = message(product(descriptive(title="<TitleText>@</TitleText>"))).replace("UTF-8", encoding)
    (record,) = records_of(file, text.encode().replace(b"@", written))
    assert (record.values["title"], record.problems, record.warnings) == (expected, [], [])


@pytest.mark.parametrize("control", [b"\x01", b"\x00", b"\x1f", b"&#0;", b"&#x1F;", b"&#0000011;", b"\x7f"])
@pytest.mark.parametrize("before", [b"", b"x" * 65_400])
def test_control_characters_are_dropped_and_the_row_warns(file: Path, control: bytes, before: bytes) -> None:
    text = message(
        product(descriptive(title="<TitleText>One@Two</TitleText>")),
        product(descriptive(), isbn="9780261103573"),
    )
    content = (
        text.encode().replace(b"@", control).replace(b"<Product>", b"<!--" + before + b"--><Product>", 1)
    )
    first, second = records_of(file, content)
    assert (first.values["title"], first.problems) == ("OneTwo", [])
    assert [(one.field, one.type) for one in first.warnings] == [("TitleText", "control-characters")]
    assert second.warnings == []


@pytest.mark.parametrize("size", [1, 7, 64])
def test_references_are_read_wherever_a_piece_of_the_file_ends(
    file: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalog.formats.onix.reader.CHUNK", size)
    title = "<TitleText>It&#146;s R&amp;B&#x1; at &#8364; 5 é</TitleText>"
    (record,) = records_of(file, message(product(descriptive(title=title))))
    assert record.values["title"] == "It\u2019s R&B at € 5 é"


def test_marks_and_white_space_before_the_first_line_do_no_harm(file: Path) -> None:
    text = message(product(descriptive()))
    mark = b"\xef\xbb\xbf"
    for before in (mark + mark, b"\r\n  ", mark + b"\n", mark + b" " + mark):
        content = text.encode().replace(b"<TitleText>", b"<TitleText>" + mark)
        (record,) = records_of(file, before + content)
        assert record.values["title"] == "The Hobbit"


def test_the_position_moves_and_the_columns_are_known(file: Path) -> None:
    text = message(*(product(descriptive(), reference=str(number)) for number in range(1_000)))
    source = opened(file, text)
    assert (source.position(), source.columns, source.ignored) == (
        0,
        ["record_reference", "isbn", "title"],
        [],
    )
    numbers = [record.number for record in source]
    assert numbers == list(range(1, 1_001))
    assert source.position() == len(text.encode())
    source.close()
