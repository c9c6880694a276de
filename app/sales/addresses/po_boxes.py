"""Tells PO boxes, in whatever spelling, from streets: most carriers deliver to streets alone."""

import re
import unicodedata

_LOOKALIKES = str.maketrans("\u0440\u043e\u0432\u0445\u03c1\u03bf\u03b2\u03c7", "pobxpobx")
"""Cyrillic and Greek small letters that look like those of `po box`."""

_NUMBERED = r"(?: (?:no|nr|num|number))? ?\d"
_PO_BOX = re.compile(
    r"\bp ?[o0] ?(?:box|bx|drawer) ?\d*\b"
    rf"|\bp ?[o0] ?b{_NUMBERED}"
    r"|\b(?:post|postal) ?office ?(?:box|bx|drawer) ?\d*\b"
    rf"|\bpost(?:al)? ?box(?:{_NUMBERED}|$)"
    r"|\b[gc]po ?box\b"
    r"|^(?:box|p ?o|c ?p) ?\d+$"
    r"|\b(?:private|locked) bag\b"
    # German, Dutch, Norwegian and Danish, Finnish, Swedish, Hungarian, Polish, Czech
    r"|\b(?:postfach|postbus|postboks|postilokero|postilaatikko|postfack|postafiok) ?\d*\b"
    r"|\bskr(?:ytka)? poczt\w*|\bpostovni prihradka\b"
    # French, Spanish, Portuguese, Italian, Turkish
    r"|\bboite postale\b|\bb ?p \d|\bapartado (?:de correos?|postal|aereo|\d)|\bcasilla (?:de correos?|postal|\d)"
    r"|\bcaixa postal\b|\bcasella postale\b|\bposta kutusu\b"
    # Russian, Japanese, Chinese, Korean
    r"|\b\u0430 я \d|абонентскии ящик|私書箱|信箱|사서함"
)


def is_po_box(*lines: str | None) -> bool:
    """Whether one of these lines of an address, or all of them as one, names a PO box."""
    given = [_plain(line) for line in lines if line]
    spellings = [*given, " ".join(given)]
    return any(_PO_BOX.search(form) for text in spellings for form in (text, text.translate(_LOOKALIKES)))


def _plain(line: str) -> str:
    """Lower case without accents and invisible characters; everything but letters and digits is one space."""
    split = unicodedata.normalize("NFKD", line)
    kept = "".join(character for character in split if unicodedata.category(character) not in {"Mn", "Cf"})
    folded = unicodedata.normalize("NFC", kept).casefold()
    return " ".join(re.findall(r"[^\W_]+", folded))
