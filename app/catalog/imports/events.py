"""What import jobs announce."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class ImportRequested(Event):
    """An import waits to be run, or to be run again."""

    type: ClassVar[str] = "import.requested"
    job_id: int


@dataclass(frozen=True, slots=True)
class ImportRevertRequested(Event):
    """A finished import shall be taken back; events of an earlier release do not say who asked for it."""

    type: ClassVar[str] = "import.revert_requested"
    job_id: int
    asked_by: int | None = None
