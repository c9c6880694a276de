"""What becomes of one product while it is read: values, problems, and what holds for all products of the message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

from app.catalog.books.fields import FieldValue
from app.catalog.formats.record import RowProblem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """What holds for every product of a message: the shop's currency, today, and the header."""

    currency: str
    today: date
    sender: str = ""
    default_currency: str = ""
    default_price_type: str = ""


@dataclass(slots=True)
class ParsedProduct:
    """Values and problems of one product."""

    message: Message
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)

    def put(self, name: str, rule: Callable[[T], FieldValue], raw: T) -> None:
        """Note the value by the rule of its field, or the problem with it."""
        try:
            self.values[name] = rule(raw)
        except ValueError as refusal:
            self.refuse(name, refusal)

    def refuse(self, name: str, refusal: ValueError) -> None:
        """Note why a field cannot be taken."""
        self.problems.append(RowProblem(name, str(refusal), getattr(refusal, "type", "value_error")))

    def put_or_empty(self, name: str, rule: Callable[[str], FieldValue], raw: str) -> None:
        """As `put`; the field is emptied where the record has nothing for it."""
        if raw:
            self.put(name, rule, raw)
        else:
            self.values[name] = None
