"""What is asked of the worker about pictures."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class PictureWanted(Event):
    """A picture is to be fetched from an address that its editor named."""

    type: ClassVar[str] = "picture.wanted"
    fetch_id: int
