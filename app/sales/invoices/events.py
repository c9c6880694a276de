"""What happens to invoices."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class InvoiceIssued(Event):
    """An invoice or a credit note that was issued elsewhere than in the worker is to be printed."""

    type: ClassVar[str] = "invoice.issued"
    invoice_id: int
