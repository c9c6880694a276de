"""What happens for staff."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class StaffNoteDue(Event):
    """Accounts were opened on this day, of which this member of staff is to hear."""

    type: ClassVar[str] = "staff_notes.due"
    user_id: int
    day: str
