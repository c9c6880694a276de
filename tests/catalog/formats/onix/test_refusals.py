"""Files that are refused as a whole, each with the way out."""

import resource
from pathlib import Path

import pytest

from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.onix.reader import OnixSource
from app.catalog.formats.record import Record, SourceFormat, SourceOptions
from tests.catalog.formats.onix.messages import descriptive, message, opened, product, records_of

LAUGHS = "\n".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>\n',
    "external entity": '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]>\n',
    "external subset": '<!DOCTYPE ONIXMessage SYSTEM "http://127.0.0.1:9/onix.dtd">\n',
    "behind a comment": "<!-- harmless --><?pi x?>\n<!DOCTYPE x [<!ENTITY a 'b'>]>\n",
    "in small letters": "<!doctype x>\n",
}


@pytest.mark.parametrize("prolog", BOMBS.values(), ids=BOMBS.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_any_document_type_declaration_is_refused_before_parsing(
    file: Path, prolog: str, encoding: str
) -> None:
    text = message(product(descriptive(title="<TitleText>&l9;&x;</TitleText>")), prolog=prolog)
    content = text.replace("UTF-8", encoding.upper()).encode(encoding)
    with pytest.raises(SourceRefused, match="DTD"):
        opened(file, content)


def test_a_dtd_of_onix_21_names_the_way_out(file: Path) -> None:
    prolog = (
        '<!DOCTYPE ONIXMessage SYSTEM "http://www.editeur.org/onix/2.1/reference/onix-international.dtd">'
    )
    with pytest.raises(SourceRefused, match=r"ask the sender for ONIX 3\.0"):
        opened(file, message(prolog=prolog))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<ONIXMessage><Product/></ONIXMessage>", "ONIX 2.1"),
        ('<ONIXMessage release="2.1"><Product/></ONIXMessage>', "ONIX 2.1"),
        ('<ONIXMessage release="3.0" xmlns="http://example.com/x"><Product/></ONIXMessage>', "no ONIX 3.0"),
        ('<ONIXMessage release="4.0"><Product/></ONIXMessage>', "no ONIX 3.0"),
        ("<rss><channel/></rss>", "<rss>"),
        ('<?xml version="1.0" encoding="UTF-7"?><ONIXMessage/>', "UTF-7"),
        ('<?xml version="1.0" encoding="EBCDIC-CP-US"?><ONIXMessage/>', "EBCDIC"),
        ("", "no XML"),
        ("isbn,title", "no XML"),
        ("<!-- " + "x" * 70_000 + " --><ONIXMessage/>", "no XML"),
    ],
)
def test_other_files_are_refused(file: Path, text: str, complaint: str) -> None:
    with pytest.raises(SourceRefused, match=complaint.replace(".", r"\.")):
        records_of(file, text)


def test_a_truncated_file_gives_the_products_before_the_end_and_the_line(file: Path) -> None:
    text = message(*(product(descriptive(), reference=str(number)) for number in range(2_000)))
    source = opened(file, text[: len(text) // 2])
    records: list[Record] = []
    with pytest.raises(SourceRefused, match=r"ends too early at line 1\d{3}:"):
        records.extend(source)
    source.close()
    assert 990 < len(records) < 1_010
    assert all(not record.problems for record in records)


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("<Broken></Borken>", "mismatch"),
        ("<TitleText>&sender;</TitleText>", "named entities"),
        ("<TitleText>AT&T; R & D</TitleText>", "named entities"),
        ("<TitleText>R & D</TitleText>", "write &amp; for an ampersand"),
        ("<d>" * 300, "depth"),
    ],
)
def test_damage_in_the_middle_stops_there(file: Path, damage: str, complaint: str) -> None:
    text = message(product(descriptive()), product(damage), product(descriptive()))
    source = opened(file, text)
    numbers: list[int] = []
    with pytest.raises(SourceRefused, match=complaint):
        numbers.extend(record.number for record in source)
    source.close()
    assert numbers == [1]


def test_bytes_of_another_encoding_are_refused(file: Path) -> None:
    with pytest.raises(SourceRefused, match="line 4"):
        records_of(file, message(product(descriptive(title="<TitleText>Café</TitleText>"))).encode("latin-1"))


def test_nothing_between_products_may_be_endless(file: Path) -> None:
    filler = "<Filler>" + "x" * 1_000 + "</Filler>"
    with pytest.raises(SourceRefused, match="4 MiB"):
        records_of(file, message(filler * 5_000, product(descriptive())))
    with pytest.raises(SourceRefused, match="4 MiB"):
        records_of(file, message(product(filler * 5_000)))


def test_memory_does_not_grow_with_the_file(file: Path) -> None:
    one = product(descriptive(f"<IllustrationsNote>{'x' * 10_000}</IllustrationsNote>"))
    _read_through(file, one, 200)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _read_through(file, one, 2_800)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert file.stat().st_size > 25 * 1024**2
    assert grown < 12 * 1024


def _read_through(file: Path, one: str, count: int) -> None:
    head, tail = message("SPLIT").split("SPLIT")
    with file.open("w") as writing:
        writing.write(head)
        for _ in range(count):
            writing.write(one)
        writing.write(tail)
    source = OnixSource(file, SourceOptions(SourceFormat.ONIX, "EUR"))
    assert sum(1 for _ in source) == count
    source.close()
