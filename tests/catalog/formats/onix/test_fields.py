"""How each part of a product becomes a field: titles, names, forms, dates, languages, pages, subjects."""

from pathlib import Path

import pytest

from tests.catalog.formats.onix.messages import descriptive, only_record


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("<TitleText>A  B &amp; C</TitleText>", "A  B & C"),
        ("<TitleText>Line\n      break</TitleText>", "Line break"),
        ("<TitlePrefix>L'</TitlePrefix><TitleWithoutPrefix>Étranger</TitleWithoutPrefix>", "L'Étranger"),
        ("<NoPrefix/><TitleWithoutPrefix>Dune</TitleWithoutPrefix>", "Dune"),
        ("<TitleText>Dune <i>Messiah</i></TitleText>", "Dune Messiah"),
    ],
)
def test_titles_are_put_together(file: Path, title: str, expected: str) -> None:
    assert only_record(file, descriptive(title=title)).values["title"] == expected


def test_a_numbered_volume_without_a_title_of_its_own_takes_the_collections(file: Path) -> None:
    block = (
        "<DescriptiveDetail><TitleDetail><TitleType>01</TitleType>"
        "<TitleElement><TitleElementLevel>01</TitleElementLevel><PartNumber>3</PartNumber></TitleElement>"
        "<TitleElement><TitleElementLevel>02</TitleElementLevel><TitleText>Bleach</TitleText></TitleElement>"
        "</TitleDetail></DescriptiveDetail>"
    )
    values = only_record(file, block).values
    assert (values["title"], values["series"], values["series_position"]) == ("Bleach 3", "Bleach", "3")


def _volume(own: str, *, above: str = "", subtitle: str = "", collection: str = "") -> str:
    element = "<TitleElement><TitleElementLevel>{}</TitleElementLevel>{}</TitleElement>"
    elements = element.format("02", f"<TitleText>{above}</TitleText>") if above else ""
    elements += element.format("01", own + (f"<Subtitle>{subtitle}</Subtitle>" if subtitle else ""))
    detail = f"<TitleDetail><TitleType>01</TitleType>{elements}</TitleDetail>"
    return f"<DescriptiveDetail>{collection}{detail}</DescriptiveDetail>"


@pytest.mark.parametrize(
    ("block", "title", "series", "position"),
    [
        (
            _volume("<PartNumber>Volume 1</PartNumber><TitleText>Collected Samples</TitleText>"),
            "Collected Samples, Volume 1",
            "Collected Samples",
            "Volume 1",
        ),
        (
            _volume("<PartNumber>2</PartNumber><TitleText>Collected Samples</TitleText>"),
            "Collected Samples 2",
            "Collected Samples",
            "2",
        ),
        (
            _volume(
                "<PartNumber>2</PartNumber><TitlePrefix>The</TitlePrefix>"
                "<TitleWithoutPrefix>Samples</TitleWithoutPrefix>"
            ),
            "The Samples 2",
            "The Samples",
            "2",
        ),
        (
            _volume("<PartNumber>Band 2</PartNumber><TitleText>Gedichte</TitleText>", above="Werke"),
            "Werke, Band 2: Gedichte",
            "Werke",
            "Band 2",
        ),
        (
            _volume("<PartNumber>2</PartNumber><TitleText>Werke</TitleText>", above="Werke"),
            "Werke 2",
            "Werke",
            "2",
        ),
        (
            _volume("<PartNumber>22</PartNumber><TitleText>Catch 22</TitleText>"),
            "Catch 22",
            "Catch 22",
            "22",
        ),
        (_volume("<TitleText>Prince Caspian</TitleText>", above="Narnia"), "Prince Caspian", "Narnia", None),
        (_volume("<PartNumber>3</PartNumber>", above="Bleach"), "Bleach 3", "Bleach", "3"),
        (_volume("<TitleText>Dune</TitleText>"), "Dune", None, None),
    ],
)
def test_part_number_and_part_title_belong_to_the_title_of_a_volume(
    file: Path, block: str, title: str, series: str | None, position: str | None
) -> None:
    record = only_record(file, block)
    values = record.values
    assert (values["title"], values["series"], values["series_position"]) == (title, series, position)
    assert "unmapped" not in record.raw


def _in_series(title: str, series: str, position: str) -> str:
    element = "<TitleElement><TitleElementLevel>{}</TitleElementLevel>{}</TitleElement>"
    named = element.format("02", f"<TitleText>{series}</TitleText>")
    part = element.format("01", f"<PartNumber>{position}</PartNumber>")
    detail = f"<TitleDetail><TitleType>01</TitleType>{part}{named}</TitleDetail>"
    return descriptive(
        f"<Collection><CollectionType>10</CollectionType>{detail}</Collection>",
        title=f"<TitleText>{title}</TitleText>",
    )


@pytest.mark.parametrize(
    ("title", "series", "position", "expected"),
    [
        ("One Piece", "One Piece", "92", "One Piece 92"),
        ("Collected Samples", "COLLECTED SAMPLES", "Volume 2", "Collected Samples, Volume 2"),
        ("Collected Samples", "Collected Samples", "B", "Collected Samples, B"),
        ("The Hunger Games", "The Hunger Games", "1", "The Hunger Games"),
        ("One Piece", "One Piece", "01", "One Piece"),
        ("Mockingjay", "The Hunger Games", "3", "Mockingjay"),
    ],
)
def test_later_volumes_that_are_called_as_their_series_are_numbered(
    file: Path, title: str, series: str, position: str, expected: str
) -> None:
    block = _in_series(title, series, position)
    assert only_record(file, block).values["title"] == expected
    own = only_record(file, block, reference="Global Bookinfo.1", shop={"own_name": "Global Bookinfo"})
    assert own.values["title"] == title


def test_a_part_number_that_is_endless_costs_no_title(file: Path) -> None:
    record = only_record(file, _volume(f"<PartNumber>{'9' * 600}</PartNumber><TitleText>Samples</TitleText>"))
    assert (record.values["title"], record.problems) == ("Samples", [])
    assert [one.field for one in record.warnings] == ["title", "series_position"]
    assert "9" * 600 in record.raw["unmapped"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Tom &amp;amp; Jerry", "Tom & Jerry"),
        ("Caf&amp;eacute; &amp;#8211; a story", "Café – a story"),
        ("<![CDATA[<i>Moby</i> Dick]]>", "Moby Dick"),
        ("&lt;b&gt;Moby&lt;/b&gt;&lt;br/&gt;Dick", "Moby Dick"),
        ("Rock &amp; Roll", "Rock & Roll"),
        ("1 &lt; 2", "1 < 2"),
    ],
)
def test_markup_in_a_line_is_taken_out_by_the_rule_of_all_readers(
    file: Path, written: str, expected: str
) -> None:
    person = (
        f"<Contributor><ContributorRole>A01</ContributorRole><PersonName>{written}</PersonName></Contributor>"
    )
    heading = f"<SubjectHeadingText>{written}</SubjectHeadingText>"
    subject = f"<SubjectSchemeIdentifier>93</SubjectSchemeIdentifier><SubjectCode>FMB</SubjectCode>{heading}"
    block = descriptive(
        f"{person}<EditionStatement>{written}</EditionStatement><Subject>{subject}</Subject>",
        title=f"<TitleText>{written}</TitleText><Subtitle>{written}</Subtitle>",
    )
    values = only_record(file, block).values
    assert {values["title"], values["subtitle"], values["edition_statement"]} == {expected}
    assert values["contributors"] == [(expected, "author")]
    assert values["subjects"][0]["heading"] == expected


@pytest.mark.parametrize(("kind", "level"), [("01", "03"), ("14", "01"), ("", "")])
def test_a_title_of_another_type_or_level_is_better_than_none(file: Path, kind: str, level: str) -> None:
    element = f"<TitleElementLevel>{level}</TitleElementLevel><TitleText>Dune</TitleText>"
    detail = f"<TitleDetail><TitleType>{kind}</TitleType><TitleElement>{element}</TitleElement></TitleDetail>"
    assert only_record(file, f"<DescriptiveDetail>{detail}</DescriptiveDetail>").values["title"] == "Dune"


@pytest.mark.parametrize(
    ("contributor", "expected"),
    [
        (
            "<ContributorRole>B10</ContributorRole><PersonName>Ann</PersonName>",
            [("Ann", "editor"), ("Ann", "translator")],
        ),
        ("<ContributorRole>E07</ContributorRole><CorporateName>BBC</CorporateName>", [("BBC", "narrator")]),
        (
            "<ContributorRole>A01</ContributorRole><PersonNameInverted>King, Martin Luther, Jr.</PersonNameInverted>",
            [("Martin Luther King Jr.", "author")],
        ),
        (
            "<ContributorRole>A01</ContributorRole><NamesBeforeKey>Ludwig</NamesBeforeKey><PrefixToKey>van</PrefixToKey><KeyNames>Beethoven</KeyNames>",
            [("Ludwig van Beethoven", "author")],
        ),
        ("<ContributorRole>A36</ContributorRole><PersonName>Cover Artist</PersonName>", []),
        ("<ContributorRole>A01</ContributorRole><UnnamedPersons>04</UnnamedPersons>", []),
    ],
)
def test_names_come_in_any_form_and_unknown_roles_stay_raw(
    file: Path, contributor: str, expected: list[tuple[str, str]]
) -> None:
    record = only_record(file, descriptive(f"<Contributor>{contributor}</Contributor>"))
    assert record.values["contributors"] == expected
    assert ("unmapped" in record.raw) == (not expected or "B10" in contributor)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("BB", "hardcover"),
        ("BC", "paperback"),
        ("ED", "ebook"),
        ("EB", "ebook"),
        ("AJ", "audiobook"),
        ("AN", "audiobook"),
        ("PC", "other"),
        ("BE", "other"),
        ("BA", None),
        ("00", None),
    ],
)
def test_product_forms_become_formats(file: Path, form: str, expected: str | None) -> None:
    record = only_record(file, f"<DescriptiveDetail><ProductForm>{form}</ProductForm></DescriptiveDetail>")
    assert record.values["format"] == expected


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ('<Date dateformat="00">19910502</Date>', "1991-05-02"),
        ("<Date>19910502</Date>", "1991-05-02"),
        ('<Date dateformat="05">1991</Date>', "1991"),
        ("<Date>1991</Date>", "1991"),
        ("<DateFormat>01</DateFormat><Date>199105</Date>", "1991-05"),
        ('<Date dateformat="13">19910502T1200</Date>', "1991-05-02"),
        ('<Date dateformat="12">spring of 1991</Date>', None),
    ],
)
def test_dates_are_as_exact_as_stated(file: Path, date: str, expected: str | None) -> None:
    stated = f"<PublishingDate><PublishingDateRole>01</PublishingDateRole>{date}</PublishingDate>"
    record = only_record(file, f"<PublishingDetail>{stated}</PublishingDetail>")
    assert (record.values["published_on"], record.problems) == (expected, [])


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("<Date>2011-08-31</Date>", "2011-08-31"),
        ('<Date dateformat="00">2011-08-31</Date>', "2011-08-31"),
        ('<Date dateformat="00">2011-08</Date>', "2011-08"),
        ('<Date dateformat="00">20240000</Date>', "2024"),
        ('<Date dateformat="00">20240500</Date>', "2024-05"),
        ('<Date dateformat="00">202405</Date>', "2024-05"),
        ('<Date dateformat="05">20240511</Date>', "2024-05-11"),
        ("<Date>20240511T010203+0900</Date>", "2024-05-11"),
        ("<Date>20240511T2359Z</Date>", "2024-05-11"),
        ("<Date>2024-05-11T23:59:59.999-08:00</Date>", "2024-05-11"),
        ("<Date>2024-05-11Z</Date>", "2024-05-11"),
        ("<Date>2024/05/11</Date>", "2024-05-11"),
        ("<Date>1998-2003</Date>", "1998"),
        ("<Date>1998\u20132003</Date>", "1998"),
        ("<Date>1998/99</Date>", "1998"),
        ('<Date dateformat="11">19982003</Date>', "1998"),
        ('<Date dateformat="06">2011080120110831</Date>', "2011-08-01"),
        ('<Date dateformat="07">201108201109</Date>', "2011-08"),
        ('<Date dateformat="03">20113</Date>', "2011"),
        ('<Date dateformat="02">2011W35</Date>', "2011"),
        ('<Date dateformat="12">1998</Date>', "1998"),
        ('<Date dateformat="12">May 1998</Date>', "1998-05"),
        ("<Date>31.08.2011</Date>", "2011-08-31"),
        ("<Date>1 May 2024</Date>", "2024-05-01"),
        ("<Date>2024-5-1</Date>", "2024-05-01"),
        ('<Date dateformat="20">14330601</Date>', None),
    ],
)
def test_dates_beyond_doubt_are_read_whatever_their_format_is_called(
    file: Path, date: str, expected: str | None
) -> None:
    stated = f"<PublishingDate><PublishingDateRole>01</PublishingDateRole>{date}</PublishingDate>"
    record = only_record(file, f"<PublishingDetail>{stated}</PublishingDetail>")
    assert (record.values["published_on"], record.problems, record.warnings) == (expected, [], [])


@pytest.mark.parametrize(
    "date", ["19911301", "20240012", "00000000", "2003-1998", "08.07.2011", "soon", "<x/>"]
)
def test_dates_that_are_none_warn_stay_raw_and_leave_the_field_alone(file: Path, date: str) -> None:
    stated = (
        f"<PublishingDate><PublishingDateRole>01</PublishingDateRole><Date>{date}</Date></PublishingDate>"
    )
    record = only_record(file, f"<PublishingDetail>{stated}</PublishingDetail>")
    assert record.problems == []
    assert [(one.field, one.type) for one in record.warnings] == [("published_on", "invalid-date")]
    assert "published_on" not in record.values
    assert date in record.raw["unmapped"]


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("<LanguageCode>ger</LanguageCode>", "de"),
        ("<LanguageCode>por</LanguageCode><CountryCode>BR</CountryCode>", "pt-BR"),
        (
            "<LanguageCode>chi</LanguageCode><CountryCode>TW</CountryCode><ScriptCode>Hant</ScriptCode>",
            "zh-Hant-TW",
        ),
        ("<LanguageCode>grc</LanguageCode>", "grc"),
    ],
)
def test_languages_become_tags(file: Path, inner: str, expected: str) -> None:
    block = descriptive(f"<Language><LanguageRole>01</LanguageRole>{inner}</Language>")
    assert only_record(file, block).values["language"] == expected


@pytest.mark.parametrize(
    ("extents", "expected"),
    [
        ([("05", "320"), ("00", "310")], 310),
        ([("11", "300")], 300),
        ([("00", "0")], None),
        ([("09", "120")], None),
    ],
)
def test_pages_are_the_best_count_there_is(
    file: Path, extents: list[tuple[str, str]], expected: int | None
) -> None:
    block = "".join(
        f"<Extent><ExtentType>{kind}</ExtentType><ExtentValue>{value}</ExtentValue><ExtentUnit>03</ExtentUnit></Extent>"
        for kind, value in extents
    )
    assert only_record(file, descriptive(block)).values["pages"] == expected


def test_the_imprint_stands_in_for_a_missing_publisher(file: Path) -> None:
    record = only_record(
        file, "<PublishingDetail><Imprint><ImprintName>Voyager</ImprintName></Imprint></PublishingDetail>"
    )
    assert record.values["publisher"] == "Voyager"


def test_codes_of_other_schemes_and_wrong_shape_stay_raw_and_none_comes_twice(file: Path) -> None:
    subjects = "".join(
        f"<Subject><SubjectSchemeIdentifier>{scheme}</SubjectSchemeIdentifier>{more}</Subject>"
        for scheme, more in [
            ("93", "<SubjectCode>FMB</SubjectCode>"),
            ("93", "<SubjectCode>FMB</SubjectCode>"),
            ("10", "<SubjectCode>not a code</SubjectCode>"),
            ("26", "<SubjectCode>1132</SubjectCode>"),
            ("24", "<SubjectSchemeName>Global Bookinfo</SubjectSchemeName><SubjectCode>SALE</SubjectCode>"),
            ("24", "<SubjectSchemeName>Other</SubjectSchemeName><SubjectCode>X1</SubjectCode>"),
        ]
    )
    record = only_record(file, descriptive(subjects))
    assert [(one["scheme"], one["code"]) for one in record.values["subjects"]] == [
        ("thema", "FMB"),
        ("own", "SALE"),
    ]
    assert all(kept in record.raw["unmapped"] for kept in ("not a code", "1132", "X1"))
