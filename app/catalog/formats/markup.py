"""Markup in what files say: the one rule by which HTML becomes the text that the catalogue keeps.

Texts of the catalogue are plain. Markup is taken out by an allow-list (ammonia, through nh3), so that scripts,
styles and what only looks like a tag of theirs go with their content; references become characters.
What has neither a tag of HTML nor a reference is plain text, and stays to the letter: `a < b & c`.
"""

import html
import re
from html.entities import html5

import nh3

_BLOCKS = "p|div|ul|ol|dl|dt|dd|li|blockquote|h[1-6]|table|tr|pre"
_TEXT_TAGS = "b strong i em cite sub sup span q br td th"
_ALLOWED = frozenset({*_BLOCKS.replace("h[1-6]", "h1|h2|h3|h4|h5|h6").split("|"), *_TEXT_TAGS.split()})
_OTHER_TAGS = (
    "a abbr acronym address article aside b big caption center cite code col colgroup del dfn em figcaption figure"
    " font footer header hr i ins kbd label main mark nav s samp section small strike tbody tfoot thead time tt u"
    " var wbr html head body o:p"
)
_ACTIVE = "applet audio base button embed form iframe img input link meta object script style svg math video template"
_NAMES = "|".join({*_BLOCKS.split("|"), *_TEXT_TAGS.split(), *_OTHER_TAGS.split(), *_ACTIVE.split()})
# A tag of HTML; anything with an attribute that is set; what is active, were it never closed.
_MARKUP = re.compile(
    rf"</?(?:{_NAMES})(?:[\s/][^<>]*)?>|<[a-z][\w:-]*[\s/][^<>]*=[^<>]*>|<(?:{_ACTIVE.replace(' ', '|')})\b|<!--|<!doctype|<\?xml",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>")
_ITEM = re.compile(r"<li>")
_BLOCK_EDGE = re.compile(rf"</?(?:{_BLOCKS})>")
_BREAKS_LINES = re.compile(rf"<(?:br|/?(?:{_BLOCKS}))\b")
_BEFORE_ITEM = re.compile(r"\n+- ")
_CELL_EDGE = re.compile(r"</(?:td|th)>")
_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"[ \t\r\n]+")
_AROUND_BREAKS = re.compile(r" ?\n ?")
_BREAKS = re.compile(r"\n{3,}")
_CDATA = "<![CDATA["
_MOST_LAYERS = 3
"""Of references in references: what is left after them is text."""
_PREFORMATTED = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)


def text_of_html(source: str) -> str:
    """The text of an HTML fragment: scripts and styles gone, a line per block, `- ` before list items."""
    clean = _sanitised(source)
    only = _PREFORMATTED.fullmatch(clean)
    if only and "<" not in only[1]:
        return html.unescape(only[1])
    spaced = _SPACES.sub(" ", clean)
    for pattern, text in ((_BREAK, "\n"), (_ITEM, "\n- "), (_BLOCK_EDGE, "\n"), (_CELL_EDGE, " ")):
        spaced = pattern.sub(text, spaced)
    lines = _AROUND_BREAKS.sub("\n", _without_tags(spaced))
    return _BREAKS.sub("\n\n", _BEFORE_ITEM.sub("\n- ", lines)).strip()


def plain_text(text: str) -> str:
    """The text without its markup; where no tag breaks a line, its own lines stay.

    Escaped markup is markup, as feeds escape it once too often; text that is to keep its tags and references
    stands in `<pre>`, as `preformatted` writes it.
    """
    if _CDATA in text:
        text = text.replace(_CDATA, "").replace("]]>", "")
    for _ in range(_MOST_LAYERS):
        if "<" in text and _MARKUP.search(text):
            clean = _sanitised(text)
            return text_of_html(text) if _BREAKS_LINES.search(clean) else _without_tags(clean)
        if "&" not in text:
            return text
        text = _REFERENCE.sub(_character, text)
    return text


def plain_line(text: str, between: str = " ") -> str:
    """As `plain_text`, on one line, with `between` where a tag breaks it."""
    plain = plain_text(text)
    if plain == text:
        return plain
    return between.join(filter(None, (line.strip().removeprefix("- ") for line in plain.split("\n"))))


def _sanitised(source: str) -> str:
    return nh3.clean(source, tags=set(_ALLOWED), attributes={}, link_rel=None)


def _without_tags(clean: str) -> str:
    return html.unescape(_TAG.sub("", clean)).replace("\u00a0", " ")


def _character(reference: re.Match[str]) -> str:
    """What a browser shows for it: C1 references are those of Windows-1252; unknown names stay."""
    text = reference[0]
    return html.unescape(text).replace("\u00a0", " ") if text[1] == "#" or text[1:] in html5 else text
