"""Descriptions: XHTML or escaped HTML, sanitised by an allow-list and reduced to the text that the catalogue keeps."""

import html
import re

import nh3
from lxml.etree import _Element

from app.catalog.formats.onix.markup import looks_like_html

LONGEST = 1000
ELLIPSIS = "…"

_BLOCKS = "p|div|ul|ol|dl|dt|dd|li|blockquote|h[1-6]|table|tr|pre"
_TEXT_TAGS = "b strong i em cite sub sup span q br td th"
_ALLOWED = frozenset({*_BLOCKS.replace("h[1-6]", "h1|h2|h3|h4|h5|h6").split("|"), *_TEXT_TAGS.split()})
_BREAK = re.compile(r"<br\s*/?>")
_ITEM = re.compile(r"<li>")
_BLOCK_EDGE = re.compile(rf"</?(?:{_BLOCKS})>")
_BEFORE_ITEM = re.compile(r"\n+- ")
_CELL_EDGE = re.compile(r"</(?:td|th)>")
_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"[ \t\r\n]+")
_AROUND_BREAKS = re.compile(r" ?\n ?")
_BREAKS = re.compile(r"\n{3,}")
_PREFORMATTED = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)


def text_of_html(source: str) -> str:
    """The text of an HTML fragment: scripts and styles gone, a line per block, `- ` before list items."""
    clean = nh3.clean(source, tags=set(_ALLOWED), attributes={}, link_rel=None)
    only = _PREFORMATTED.fullmatch(clean)
    if only and "<" not in only[1]:
        return html.unescape(only[1])
    spaced = _SPACES.sub(" ", clean)
    for pattern, text in ((_BREAK, "\n"), (_ITEM, "\n- "), (_BLOCK_EDGE, "\n"), (_CELL_EDGE, " ")):
        spaced = pattern.sub(text, spaced)
    lines = _AROUND_BREAKS.sub("\n", html.unescape(_TAG.sub("", spaced)).replace("\u00a0", " "))
    return _BREAKS.sub("\n\n", _BEFORE_ITEM.sub("\n- ", lines)).strip()


def description_of(element: _Element) -> tuple[str, bool]:
    """The description in a `Text` element, and whether it is all of it: nothing cut, no markup lost."""
    if len(element):
        return _fitting(text_of_html(_inner_html(element)), is_whole=False)
    text = (element.text or "").strip()
    if not looks_like_html(text):
        return _fitting(text, is_whole=True)
    reduced = text_of_html(text)
    return _fitting(reduced, is_whole=bool(_PREFORMATTED.fullmatch(text)))


def _fitting(text: str, *, is_whole: bool) -> tuple[str, bool]:
    if len(text) <= LONGEST:
        return text, is_whole
    cut = text[: LONGEST - len(ELLIPSIS)]
    head, space, _ = cut.rpartition(" ")
    return (head if space and len(head) > LONGEST // 2 else cut).rstrip(" ,;:-\u2013\u2014") + ELLIPSIS, False


def _inner_html(element: _Element) -> str:
    pieces = [html.escape(element.text or "", quote=False)]
    for child in element:
        name = str(child.tag).rpartition("}")[2]
        pieces.append(f"<{name}>{_inner_html(child)}</{name}>" if name != "br" else "<br>")
        pieces.append(html.escape(child.tail or "", quote=False))
    return "".join(pieces)
