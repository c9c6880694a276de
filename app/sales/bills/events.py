"""What happens to bills."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class BillPaid(Event):
    """A bill is paid; whoever sent it is to be told."""

    type: ClassVar[str] = "bill.paid"
    bill_id: int
