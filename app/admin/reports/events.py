"""What is announced of reports."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class ReportRequested(Event):
    """A report waits to be made."""

    type: ClassVar[str] = "report.requested"
    task_id: str


@dataclass(frozen=True, slots=True)
class ReportsToPurge(Event):
    """Reports whose time is over are to be deleted."""

    type: ClassVar[str] = "reports.to_purge"
