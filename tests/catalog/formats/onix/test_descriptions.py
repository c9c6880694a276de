"""Descriptions: XHTML, escaped HTML and plain text become safe text."""

from pathlib import Path

import pytest

from tests.catalog.formats.onix.messages import collateral, only_record


@pytest.mark.parametrize(
    ("text", "attributes", "expected"),
    [
        ("<p>One <b>bold</b>\n   word.</p><p>Two.</p>", ' textformat="05"', "One bold word.\n\nTwo."),
        ("&lt;p&gt;One&lt;br /&gt;Two &amp;amp; three", ' textformat="02"', "One\nTwo & three"),
        ("<![CDATA[<p>One</p>]]>", "", "One"),
        ("<ul><li>a</li><li>b</li></ul>", ' textformat="05"', "- a\n- b"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Safe", "", "Safe"),
        ("<p>Safe</p><script>alert(1)</script><style>p{}</style>", ' textformat="05"', "Safe"),
        ("&lt;img src=x onerror=alert(1)&gt;Safe", ' textformat="06"', "Safe"),
        ("Plain &lt; text &amp; 1 &lt; 2", ' textformat="06"', "Plain < text & 1 < 2"),
        ("Caf&amp;eacute;", "", "Café"),
        ("Line one\nLine two", ' textformat="06"', "Line one\nLine two"),
    ],
)
def test_markup_is_sanitised_and_reduced(file: Path, text: str, attributes: str, expected: str) -> None:
    record = only_record(file, collateral(text, attributes))
    assert (record.values["description"], record.problems) == (expected, [])


def test_markup_stays_raw_beside_the_text(file: Path) -> None:
    record = only_record(file, collateral("<p>One</p>", ' textformat="05"'))
    assert "<p>One</p>" in record.raw["unmapped"]


def test_a_long_description_is_cut_at_a_word_and_kept_whole_in_raw(file: Path) -> None:
    whole = "hobbit " * 3_000
    record = only_record(file, collateral(whole))
    cut = record.values["description"]
    assert 19_000 < len(cut) <= 20_000
    assert cut.endswith("hobbit…")
    assert whole.strip() in record.raw["unmapped"]


def test_a_short_description_serves_where_there_is_no_long_one(file: Path) -> None:
    assert only_record(file, collateral("Short.", kind="02")).values["description"] == "Short."
    assert only_record(file, collateral("Review.", kind="06")).values["description"] is None


def test_text_of_nothing_but_markup_is_no_description(file: Path) -> None:
    assert only_record(file, collateral("&lt;script&gt;x&lt;/script&gt;")).values["description"] is None
