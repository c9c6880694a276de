"""Contributors of a product: names in any of the forms of ONIX, in printed order."""

from app.catalog.books.schemas import MOST_CONTRIBUTORS
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.people import Credit, checked_credits
from app.catalog.formats.texts import FieldRefused

_STRUCTURED = ("NamesBeforeKey", "PrefixToKey", "KeyNames", "NamesAfterKey", "SuffixToKey")
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_INVERTED_PARTS = 2
_LONGEST_NUMBER, _LAST = 6, 1_000_000


def read_contributors(block: Part, parsed: ParsedProduct) -> None:
    """Read all whose role the catalogue knows; the others stay raw, and so do odd names and those beyond the limit."""
    listed: list[Credit] = []
    has_odd_ones = False
    for contributor in sorted(block.all("Contributor"), key=_place):
        if not contributor.find("ContributorRole"):
            written, _ = _name_in(contributor)
            parsed.warn("contributors", FieldRefused("has no role, such as A01", "missing-role"), written)
            has_odd_ones = True
            continue
        roles = [
            role
            for part in contributor.all("ContributorRole")
            for role in code_lists.ROLES.get(part.text, ())
        ]
        if not roles or len(listed) + len(roles) > MOST_CONTRIBUTORS:
            continue
        written, elements = _name_in(contributor)
        name = parsed.line(written)
        if not name:
            continue
        try:
            listed += checked_credits((name, role) for role in roles)
        except ValueError as refusal:
            parsed.warn("contributors", refusal, name)
            has_odd_ones = True
            continue
        contributor.use("SequenceNumber", *elements)
        contributor.use_if("ContributorRole", *code_lists.ROLE_CODES.values())
    if listed or not has_odd_ones:
        parsed.values["contributors"] = list(dict.fromkeys(listed))


def _place(contributor: Part) -> int:
    number = contributor.peek("SequenceNumber")
    return int(number[:_LONGEST_NUMBER]) if number.isascii() and number.isdigit() else _LAST


def _name_in(contributor: Part) -> tuple[str, tuple[str, ...]]:
    """The name, and the elements that it was read from."""
    if name := contributor.peek("PersonName"):
        return name, ("PersonName",)
    if contributor.peek("KeyNames"):
        return " ".join(filter(None, (contributor.peek(one) for one in _STRUCTURED))), _STRUCTURED
    if inverted := contributor.peek("PersonNameInverted"):
        return _turned(inverted), ("PersonNameInverted",)
    return contributor.peek("CorporateName"), ("CorporateName",)


def _turned(inverted: str) -> str:
    """`Tolkien, J. R. R.` → `J. R. R. Tolkien`; `Johnson, James J., III` → `James J. Johnson III`."""
    parts = [part.strip() for part in inverted.split(",")]
    if len(parts) == _INVERTED_PARTS + 1 and parts[2].lower() in _SUFFIXES:
        return f"{parts[1]} {parts[0]} {parts[2]}"
    return f"{parts[1]} {parts[0]}" if len(parts) == _INVERTED_PARTS else inverted
