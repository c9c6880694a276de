"""Markup in files: references become characters, tags go, and plain text stays to the letter."""

import pytest

from app.catalog.formats.markup import plain_line, plain_text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("<p>A <b>fine</b> &quot;story&quot;</p>", 'A fine "story"'),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<BR/>Three", "One\nTwo\nThree"),
        ("One\nTwo <i>three</i>\n\nFour", "One\nTwo three\n\nFour"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("&lt;p&gt;Escaped &lt;b&gt;once&lt;/b&gt;&lt;/p&gt;", "Escaped once"),
        ("Caf&amp;eacute;", "Café"),
        ("A &#150; B &#x92;s", "A – B ’s"),
        ("Safe<script>alert(1)</script><style>p{}</style>", "Safe"),
        ("Safe<img src=x onerror=alert(1)>", "Safe"),
        ("Safe<img src=x onerror=alert(1)", "Safe"),
        ("<x-y onclick='alert(1)'>Safe</x-y>", "Safe"),
        ("<!-- hidden -->Safe", "Safe"),
        ("<a href='javascript:alert(1)'>Safe</a>", "Safe"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;Safe", "Safe"),
        ("<o:p></o:p><span lang=EN-GB style='mso:x'>Word</span>", "Word"),
        ("a < b & c > d", "a < b & c > d"),
        ("if x<y and z>w", "if x<y and z>w"),
        ("The <Untitled> &foo; AT&T &lt", "The <Untitled> &foo; AT&T &lt"),
        ("<3", "<3"),
        ("<![CDATA[" * 100_000 + "x", "x"),
        ("<![CDATA[Cake & <i>Caf&eacute;</i>]]>", "Cake & Café"),
        ('<?xml:namespace prefix = o ns = "urn:x" />Word', "Word"),
        ("A&nbsp;B <b>D&nbsp;E</b>", "A B D E"),
        ("<pre>Kept: &lt;b&gt; &amp;amp;</pre>", "Kept: <b> &amp;"),
    ],
)
def test_text_is_what_a_reader_would_see(sent: str, text: str) -> None:
    assert plain_text(sent) == text


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("Cake &amp; Caf&eacute;", "Cake & Café"),
        ("Part one<br>Part two", "Part one Part two"),
        ("<p>A</p>\n<p>B</p>", "A B"),
        ("H<sub>2</sub>O", "H2O"),
        ("<b>Bold</b> title", "Bold title"),
        ("5 < 6 & 7", "5 < 6 & 7"),
        ("- a", "- a"),
    ],
)
def test_a_line_stays_one(sent: str, text: str) -> None:
    assert plain_line(sent) == text


def test_what_breaks_a_line_separates_the_entries_of_a_list() -> None:
    assert plain_line("<ul><li>cosy</li><li>crime</li></ul>", "; ") == "cosy; crime"
    assert plain_line("Ann<br/>Bea", "; ") == "Ann; Bea"
