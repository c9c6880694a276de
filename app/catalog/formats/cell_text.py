"""Text in cells of a spreadsheet: formulas made harmless, markup kept, and lists in one cell; all reversible."""

import html
import re
from collections.abc import Iterable

_STARTS = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""Those of full width too, which some programs take for the others."""

_FORMULA = re.compile(f"'*{_STARTS}")
"""What a spreadsheet program would take for a formula, and the same with apostrophes before it."""

_ESCAPED = re.compile(f"'+{_STARTS}")
_MARKED = re.compile(r"([\\;|])")
_COMMAS = re.compile(r"[,\u060c\u3001\uff0c]")
"""Also of Arabic, Chinese and Japanese."""
_TOKEN = re.compile(r"\\[\\;|]|[;|]|[^\\;|]+|\\", re.DOTALL)

_TAG_OR_REFERENCE = re.compile(r"<[A-Za-z/!?]|&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")


def looks_like_html(text: str) -> bool:
    """Whether the text has what may be tags or character references of HTML."""
    return _TAG_OR_REFERENCE.search(text) is not None


def preformatted(text: str) -> str:
    """HTML that stands for exactly this plain text, white space included."""
    return f"<pre>{html.escape(text, quote=False).replace(chr(13), '&#13;')}</pre>"


def keep_markup(text: str) -> str:
    """The text as it must stand in a file, so that readers do not take its tags and references for markup."""
    return preformatted(text) if looks_like_html(text) else text


def escape_formula(text: str) -> str:
    """The text with `'` before it where it would be a formula (OWASP, CSV injection); reversible.

    Text that already begins with `'=` gets another one, so that `unescape_formula` gives back
    exactly what was there. For text alone: a number stays one.
    """
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """What `escape_formula` was given; other apostrophes stay: `'Tis`."""
    return cell[1:] if cell[:1] == "'" and _ESCAPED.match(cell) else cell


def join_list(entries: Iterable[str]) -> str:
    r"""One cell: entries separated by `; `; a `;`, `|` or `\` of an entry gets a `\` before it."""
    return "; ".join(_MARKED.sub(r"\\\1", entry) for entry in entries)


def split_list(cell: str) -> list[str]:
    r"""The entries of a cell, each once, in order: separated by `;`, or where there is none by `|`.

    `\;`, `\|` and `\\` stand for the character itself; any other `\` is one.
    """
    if "\\" not in cell:
        parts = cell.split(";" if ";" in cell else "|")
        return list(dict.fromkeys(entry for part in parts if (entry := part.strip())))
    tokens = _TOKEN.findall(cell)
    separator = ";" if ";" in tokens else "|"
    entries = [""]
    for token in tokens:
        if token == separator:
            entries.append("")
        else:
            entries[-1] += token[-1] if _MARKED.match(token, 1) else token
    return list(dict.fromkeys(entry for part in entries if (entry := part.strip())))


def join_tags(tags: Iterable[str]) -> str:
    """As `join_list`, so that a single tag with a comma comes back as one."""
    cell = join_list(tags)
    return f"{cell};" if "; " not in cell and _COMMAS.search(cell) else cell


def split_tags(cell: str) -> list[str]:
    """As `split_list`, but where neither `;` nor `|` separates, commas do."""
    entries = split_list(cell)
    if len(entries) != 1 or entries[0] != cell.strip():
        return entries
    return list(dict.fromkeys(entry for part in _COMMAS.split(entries[0]) if (entry := part.strip())))
