"""Which text is HTML, and how plain text that looks like it is written so that it comes back."""

import html
import re

_TAG_OR_REFERENCE = re.compile(r"<[A-Za-z/!?]|&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")


def looks_like_html(text: str) -> bool:
    """Whether text, as a reader sees it after XML, has tags or character references of HTML."""
    return _TAG_OR_REFERENCE.search(text) is not None


def preformatted(text: str) -> str:
    """HTML that stands for exactly this plain text, white space included."""
    return f"<pre>{html.escape(text, quote=False).replace(chr(13), '&#13;')}</pre>"
