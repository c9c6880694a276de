"""What is asked of the worker about pictures."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class PictureWanted(Event):
    """A picture is to be fetched from an address that its editor named."""

    type: ClassVar[str] = "picture.wanted"
    fetch_id: int


@dataclass(frozen=True, slots=True)
class ImportedCoverSettled(Event):
    """The cover that a row of an import named is there, with this version of the item; or there is none, and why."""

    type: ClassVar[str] = "picture.import_settled"
    import_id: int
    import_row: int
    version: int | None = None
    code: str | None = None
    detail: str | None = None
