"""What happens to alerts."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class AlertRequested(Event):
    """Somebody wants an alert at an address: ask its reader, unless it waits there already."""

    type: ClassVar[str] = "alert.requested"
    alert_id: int


@dataclass(frozen=True, slots=True)
class AlertsDue(Event):
    """Among the events of the feed from `first` to `last` are some that somebody waits for.

    Of lower prices those are told next whose alerts have ids after `after`.
    """

    type: ClassVar[str] = "alert.due"
    first: int
    last: int
    after: int = 0


@dataclass(frozen=True, slots=True)
class AlertTold(Event):
    """An account's alert came true: what this mail says, sent or not, is told by the other channels too."""

    type: ClassVar[str] = "alert.told"
    mail_id: int
