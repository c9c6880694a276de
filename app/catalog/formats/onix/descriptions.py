"""Descriptions: XHTML or escaped HTML, reduced to the text that the catalogue keeps."""

import html
import re

from lxml.etree import _Element

from app.catalog.formats.cell_text import looks_like_html
from app.catalog.formats.markup import plain_text, text_of_html

LONGEST = 20_000
ELLIPSIS = "…"

_PREFORMATTED = re.compile(r"<pre>[^<]*</pre>")


def description_of(element: _Element) -> tuple[str, bool]:
    """The description in a `Text` element, and whether it is all of it: nothing cut, no markup lost."""
    if len(element):
        return _fitting(text_of_html(_inner_html(element)), is_whole=False)
    text = (element.text or "").strip()
    if not looks_like_html(text):
        return _fitting(text, is_whole=True)
    return _fitting(plain_text(text), is_whole=bool(_PREFORMATTED.fullmatch(text)))


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
