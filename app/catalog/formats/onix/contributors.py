"""Contributors of a product: names in any of the forms of ONIX, in printed order."""

from app.catalog.books.schemas import MOST_CONTRIBUTORS
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.people import Credit, checked_credits

_STRUCTURED = ("NamesBeforeKey", "PrefixToKey", "KeyNames", "NamesAfterKey", "SuffixToKey")
_SUFFIXES = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_INVERTED_PARTS = 2


def read_contributors(block: Part, parsed: ParsedProduct) -> None:
    """Read all whose role the catalogue knows; the others stay raw, and so do those beyond the limit."""
    listed: list[Credit] = []
    for contributor in sorted(block.all("Contributor"), key=_place):
        roles = [
            role
            for part in contributor.all("ContributorRole")
            for role in code_lists.ROLES.get(part.text, ())
        ]
        if not roles or len(listed) + len(roles) > MOST_CONTRIBUTORS:
            continue
        if name := _take_name(contributor):
            listed += [(name, role) for role in roles]
            contributor.use("SequenceNumber")
            contributor.use_if("ContributorRole", *code_lists.ROLE_CODES.values())
    parsed.put("contributors", checked_credits, listed)


def _place(contributor: Part) -> int:
    number = contributor.peek("SequenceNumber")
    return int(number) if number.isascii() and number.isdigit() else 1_000_000


def _take_name(contributor: Part) -> str:
    if name := contributor.take("PersonName"):
        return name
    if contributor.peek("KeyNames"):
        return " ".join(filter(None, (contributor.take(one) for one in _STRUCTURED)))
    if inverted := contributor.take("PersonNameInverted"):
        return _turned(inverted)
    return contributor.take("CorporateName")


def _turned(inverted: str) -> str:
    """`Tolkien, J. R. R.` → `J. R. R. Tolkien`; `Johnson, James J., III` → `James J. Johnson III`."""
    parts = [part.strip() for part in inverted.split(",")]
    if len(parts) == _INVERTED_PARTS + 1 and parts[2].lower() in _SUFFIXES:
        return f"{parts[1]} {parts[0]} {parts[2]}"
    return f"{parts[1]} {parts[0]}" if len(parts) == _INVERTED_PARTS else inverted
