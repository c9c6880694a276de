"""What becomes of one product while it is read: values, complaints, and what holds for all products of the message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.catalog.books.fields import FieldValue
from app.catalog.formats.markup import plain_line
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.onix.prices import Shop
from app.catalog.formats.record import RowProblem
from app.catalog.isbn import MistypedIsbn

T = TypeVar("T")
_SHOWN = 80
"""Characters of what is odd."""


@dataclass(frozen=True, slots=True)
class Message:
    """What holds for every product of a message: the shop that reads it, and the header."""

    shop: Shop
    own_name: str = ""
    """The sender that this shop's own exports name."""

    takes_stock: bool = False
    """Whether a supplier's stock on hand shall become the shop's."""

    sender: str = ""
    default_currency: str = ""
    default_price_type: str = ""


@dataclass(slots=True)
class ParsedProduct:
    """Values and complaints of one product."""

    message: Message
    reference: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    warnings: list[RowProblem] = field(default_factory=list)
    notes: list[RowProblem] = field(default_factory=list)
    mistyped_isbn: MistypedIsbn | None = None

    @property
    def is_own(self) -> bool:
        """Whether an export of this shop wrote the record: header and reference both carry the shop's name."""
        own = self.message.own_name
        return bool(own) and self.message.sender == own and self.reference.startswith(f"{own}.")

    def put(self, name: str, rule: Callable[[T], FieldValue], raw: T) -> bool:
        """Note the value by the rule of its field; an odd one leaves the field alone and warns. True if it is taken."""
        try:
            self.values[name] = rule(raw)
        except ValueError as refusal:
            self.values.pop(name, None)
            self.warn(name, refusal, raw)
            return False
        return True

    def line(self, text: str) -> str:
        """The text of one line without markup; the shop's own exports say tags and references to the letter."""
        return text if ("&" not in text and "<" not in text) or self.is_own else plain_line(text)

    def take(self, name: str, rule: Callable[[str], FieldValue], part: Part, child: str) -> None:
        """Put the text of a child; one that is odd stays raw, and without any the field is emptied."""
        raw = self.line(part.peek(child))
        if not raw:
            self.values[name] = None
        elif self.put(name, rule, raw):
            part.use(child)

    def refuse(self, name: str, refusal: ValueError) -> None:
        """Note why the product cannot be taken at all."""
        self.problems.append(_complaint(name, refusal))

    def warn(self, name: str, refusal: ValueError, said: object = None) -> None:
        """Note why something is not taken over, and what it says."""
        complaint = _complaint(name, refusal)
        if isinstance(said, str):
            shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
            complaint = RowProblem(name, f"{complaint.message}: {shown!r}", complaint.type)
        self.warnings.append(complaint)

    def note(self, name: str, message: str, kind: str) -> None:
        """Note what was chosen."""
        self.notes.append(RowProblem(name, message, kind))


def _complaint(name: str, refusal: ValueError) -> RowProblem:
    return RowProblem(name, str(refusal), getattr(refusal, "type", "value_error"))
