"""What notifications say: a file of `words/` for each language, English where one lacks a kind."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from app.core.languages import FALLBACK, match

_FOLDER = Path(__file__).with_name("words")


class Said(NamedTuple):
    """A notification in one language."""

    title: str
    text: str


class _Text(BaseModel):
    title: str
    text: str


class _Words(BaseModel):
    kinds: dict[str, _Text]
    words: dict[str, str]


@cache
def _words(language: str) -> _Words | None:
    path = _FOLDER / f"{language}.json"
    return _Words.model_validate_json(path.read_bytes()) if path.is_file() else None


def say(kind: str, details: Mapping[str, object], wanted: str | None) -> Said:
    """The notification in the language that is nearest to `wanted`, a tag.

    What happened is said by a word of the language where it has one (`passkey_added`); a detail that an older
    release did not keep is left out.
    """
    words = _words(match(wanted) or FALLBACK)
    if words is None or kind not in words.kinds:
        words = _words(FALLBACK)
    if words is None:
        raise LookupError(FALLBACK)
    known = words.words
    values: defaultdict[str, object] = defaultdict(str)
    for name, value in details.items():
        values[name] = known.get(value, value) if isinstance(value, str) else value
    text = words.kinds[kind]
    return Said(text.title.format_map(values), text.text.format_map(values).strip())
