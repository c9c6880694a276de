"""An ONIX product as a tree of parts with reference names, which remembers what was read of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml.etree import _Element

from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import FORMAT_OF_LENGTH
from app.catalog.formats.onix.tags import reference_name

_CODED = """
    NotificationType ProductIDType ProductComposition ProductForm TitleType TitleElementLevel CollectionType
    ContributorRole LanguageRole ExtentType ExtentUnit MeasureType SubjectSchemeIdentifier TextType ContentAudience
    PublishingRole PublishingDateRole DateFormat SupplierRole ProductAvailability PriceType PriceDateRole
    ContentDateRole SupplyDateRole
"""
_CODES = frozenset(_CODED.split())
"""Elements that hold a code of two or more capitals or digits, of which some programs drop the zero."""

_WITH_MARKUP = frozenset({"Text"})
"""Elements whose XHTML is content."""


@dataclass(slots=True)
class Part:
    """One element. `is_used` marks a leaf whose content became a field."""

    name: str
    element: _Element
    children: "list[Part]" = field(default_factory=list)
    is_used: bool = False

    @property
    def text(self) -> str:
        """All text within, without white space around it."""
        if len(self.element):
            return "".join(str(piece) for piece in self.element.itertext()).strip()
        text = (self.element.text or "").strip()
        return text.upper().zfill(2) if text and self.name in _CODES else text

    def all(self, name: str) -> "list[Part]":
        """The children of this name."""
        return [child for child in self.children if child.name == name]

    def find(self, name: str) -> "Part | None":
        """The first child of this name."""
        return next((child for child in self.children if child.name == name), None)

    def peek(self, name: str) -> str:
        """The text of a child, without taking it; "" where there is none."""
        child = self.find(name)
        return child.text if child else ""

    def take(self, name: str) -> str:
        """The text of a child, marked as used; "" where there is none."""
        child = self.find(name)
        if child is None:
            return ""
        child.is_used = True
        return child.text

    def use(self, *names: str) -> None:
        """Mark children that were understood; all within where no name is given."""
        for child in self.children:
            if not names or child.name in names:
                child.is_used = True
                child.use()

    def use_if(self, name: str, *texts: str) -> None:
        """Mark children whose text is one of these."""
        for child in self.all(name):
            child.is_used = child.is_used or child.text in texts

    def is_understood(self) -> bool:
        """Whether nothing within is left over."""
        if not self.children:
            return self.is_used
        return all(child.is_understood() for child in self.children)

    def leaves(self, *path: str) -> "Iterator[Part]":
        """The parts at the end of a path of names."""
        if not path:
            yield self
            return
        for child in self.all(path[0]):
            yield from child.leaves(*path[1:])


def part_of(element: _Element) -> Part:
    """The element with all elements below it."""
    part = Part(reference_name(str(element.tag)), element)
    if part.name not in _WITH_MARKUP:
        part.children = [part_of(child) for child in element.iterchildren("*")]
    return part


def date_in(composite: Part) -> tuple[str, str]:
    """Text and format of the date in a composite."""
    found = composite.find("Date")
    text = found.text if found else ""
    attribute = found.element.get("dateformat", "").strip() if found is not None else ""
    stated = attribute.zfill(2) if attribute else composite.peek("DateFormat")
    return text, stated or FORMAT_OF_LENGTH.get(len(text), code_lists.DAY)
