"""Text in cells of a spreadsheet: formulas made harmless, markup kept, and lists in one cell; all reversible."""

import html
import re
from collections.abc import Iterable

_STARTS = "[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
"""Those of full width too, which some programs take for the others."""

_FORMULA = re.compile(f"'*{_STARTS}")
"""What a spreadsheet program would take for a formula, and the same with apostrophes before it."""

_FORMULA_OF_TEXT = re.compile(r'="([^"]*)"', re.DOTALL)
_ESCAPED = re.compile(f"'+{_STARTS}")
_MARKED = re.compile(r"([\\;|])")
_COMMAS = ",\n\u060c\u3001\uff0c"
"""Also of Arabic, Chinese and Japanese, and the end of a line."""
_BETWEEN_COMMAS = re.compile(
    rf"\s*(?:\"([^\"]+)\"|'([^']+)'|\u201c([^\u201d]+)\u201d)\s*(?=[{_COMMAS}]|$)|([^{_COMMAS}]+)"
)
_QUOTED_LIST = re.compile(r"\[(['\"].*['\"])\]", re.DOTALL)
"""As programs write a list."""
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
    """What `escape_formula` was given, and of `="text"`, as programs write to a spreadsheet, the text; `'Tis` stays."""
    if text := _FORMULA_OF_TEXT.fullmatch(cell):
        return text[1]
    return cell[1:] if cell[:1] == "'" and _ESCAPED.match(cell) else cell


def join_list(entries: Iterable[str]) -> str:
    r"""One cell: entries separated by `; `; a `;`, `|` or `\` of an entry gets a `\` before it."""
    cell = "; ".join(_MARKED.sub(r"\\\1", entry) for entry in entries)
    return f"{cell};" if _QUOTED_LIST.fullmatch(cell) else cell


def split_list(cell: str) -> list[str]:
    r"""The entries of a cell, each once, in order: separated by `;`, where there is none by `|`, else by lines.

    `\;`, `\|` and `\\` stand for the character itself; any other `\` is one. A list as programs write it, `["a", "b"]`,
    is one here, too.
    """
    if ";" not in cell and (listed := _QUOTED_LIST.fullmatch(cell)):
        return _split_at_commas(listed[1])
    if "\\" not in cell:
        separator = next((one for one in ";|" if one in cell), "\n")
        return list(dict.fromkeys(entry for part in cell.split(separator) if (entry := part.strip())))
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
    """As `join_list`, so that a single tag with a comma or in quotes comes back as one."""
    listed = list(tags)
    cell = join_list(listed)
    return cell if split_tags(cell) == listed else f"{cell};"


def split_tags(cell: str) -> list[str]:
    """As `split_list`, but where neither `;` nor `|` separates, commas do, save within quotes."""
    if ";" in cell or "|" in cell or "\\\\" in cell or _QUOTED_LIST.fullmatch(cell):
        return split_list(cell)
    return _split_at_commas(cell)


def _split_at_commas(cell: str) -> list[str]:
    found = _BETWEEN_COMMAS.findall(cell)
    return list(dict.fromkeys(entry for parts in found if (entry := "".join(parts).strip())))
