"""Contributors in one cell: `J.R.R. Tolkien; Alan Lee (illustrator)`."""

import re
from collections.abc import Iterable, Sequence

from pydantic import TypeAdapter

from app.catalog.books.schemas import MOST_CONTRIBUTORS, PersonName
from app.catalog.formats.cell_text import join_list, split_list
from app.catalog.formats.texts import FieldCut, FieldRefused, TextRule
from app.catalog.models import ContributorRole

Credit = tuple[str, str]
"""(name, role)."""

_WORDS = {
    ContributorRole.AUTHOR: "author writer text autor autorin",
    ContributorRole.EDITOR: "editor editors ed eds hrsg hg herausgeber herausgeberin",
    ContributorRole.TRANSLATOR: "translator translators trans transl tr übersetzer übersetzerin",
    ContributorRole.ILLUSTRATOR: "illustrator illustrators illus ill artist photographer illustratorin",
    ContributorRole.NARRATOR: "narrator narrators reader sprecher sprecherin",
}
_ROLES = {word: role.value for role, words in _WORDS.items() for word in words.split()} | {
    "by": ContributorRole.AUTHOR.value,
    "edited by": ContributorRole.EDITOR.value,
    "translated by": ContributorRole.TRANSLATOR.value,
    "illustrated by": ContributorRole.ILLUSTRATOR.value,
    "read by": ContributorRole.NARRATOR.value,
    "narrated by": ContributorRole.NARRATOR.value,
}
_CREDITED = re.compile(r"(.*\S)\s*\(([^()]+)\)")
_CREDITED_BEFORE = re.compile(
    r"((?:(?:edited|translated|illustrated|read|narrated) )?by) (.+)", re.IGNORECASE
)
_BEHIND_A_ROLE = re.compile(r"(?<=\)),\s*")
_AND_OTHERS = re.compile(r"(?:^|[\s,])[\[(]?(?:et al\.?|u\. ?a\.|and others)[\])]?$", re.IGNORECASE)
_BETWEEN_ROLES = re.compile(r"\s*(?:[,/&]|\band\b)\s*")
_name = TextRule(TypeAdapter(PersonName))


def credits_of(cell: str) -> list[Credit]:
    """The contributors of a cell in printed order, without repetition. Raises ValueError; FieldCut where some names are odd.

    Parentheses at the end of a name that hold nothing but roles are its roles; others belong to the name. Behind
    roles a comma separates, too. `et al.` is nobody.
    """
    listed = [one for entry in split_list(cell) for one in _credits_of_entry(entry)]
    try:
        return checked_credits(listed)
    except FieldRefused as refusal:
        sound = [one for one in listed if _is_sound(one)]
        if not sound:
            raise
        message = f"{len(listed) - len(sound)} left out: {refusal}"
        raise FieldCut(checked_credits(sound), message, "entries-left-out") from None


def _is_sound(credit: Credit) -> bool:
    try:
        _name(credit[0])
    except FieldRefused:
        return False
    return True


def credits_of_commas(cell: str) -> list[Credit]:
    """The contributors of a cell in which commas separate the names, where nothing else does. Raises ValueError."""
    return credits_of(cell if ";" in cell or "|" in cell else cell.replace(",", ";"))


def checked_credits(listed: Iterable[Credit]) -> list[Credit]:
    """These contributors, each name as the catalogue takes it. Raises ValueError."""
    distinct = list(dict.fromkeys((_name(name), role) for name, role in listed))
    if len(distinct) > MOST_CONTRIBUTORS:
        raise ValueError(f"names more than {MOST_CONTRIBUTORS} contributors")
    return distinct


def role_of(word: str) -> str:
    """The role of a word such as `Illustrator` or `trans.`. Raises ValueError."""
    role = _ROLES.get(word.strip().rstrip(".").casefold())
    if role is None:
        raise ValueError(f"{word} is no role: {', '.join(ContributorRole)}")
    return role


def credits_cell(listed: Sequence[Credit]) -> str:
    """The cell that `credits_of` reads back as these contributors."""
    # A name that would be read as more than one shows even that it is an author's.
    return join_list(
        name
        if role == ContributorRole.AUTHOR and _credits_of_entry(name) == [(name, role)]
        else f"{name} ({role})"
        for name, role in listed
    )


def _credits_of_entry(entry: str) -> list[Credit]:
    named = _BEHIND_A_ROLE.split(entry)
    if all(_roles_of(one) for one in named[:-1]):
        return [credit for one in named for credit in _credits_of_name(one)]
    return _credits_of_name(entry)


def _credits_of_name(entry: str) -> list[Credit]:
    if others := _AND_OTHERS.search(entry):
        entry = entry[: others.start()].rstrip(" ,")
    if not entry:
        return []
    found = _roles_of(entry)
    if found is None:
        return [(entry, ContributorRole.AUTHOR.value)]
    name, roles = found
    return [(name, role) for role in roles]


def _roles_of(entry: str) -> tuple[str, list[str]] | None:
    match = _CREDITED.fullmatch(entry) if entry.endswith(")") else None
    if match is None:
        before = _CREDITED_BEFORE.fullmatch(entry)
        return (before[2], [_ROLES[before[1].casefold()]]) if before else None
    words = [word.rstrip(".").casefold() for word in _BETWEEN_ROLES.split(match[2].strip())]
    if not all(word in _ROLES for word in words):
        return None
    return match[1], [_ROLES[word] for word in words]
