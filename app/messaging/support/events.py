"""What is announced of talk about orders."""

from dataclasses import dataclass
from typing import ClassVar

from app.sales.orders.events import OrderEvent


@dataclass(frozen=True, slots=True)
class SupportMessageWritten(OrderEvent):
    """Buyer or staff wrote something; `origin` is the stream that it came by, which need not hear it."""

    type: ClassVar[str] = "support.message"
    message_id: int
    author: str
    content: str
    client_id: str = ""
    origin: str = ""
