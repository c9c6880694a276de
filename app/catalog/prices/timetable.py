"""What an item will cost at a moment to come, as its schedules stand; no I/O."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from app.catalog.models import ScheduleState


class Planned(Protocol):
    """A schedule that is not over."""

    @property
    def price(self) -> Decimal:
        """The planned price."""

    @property
    def starts_at(self) -> datetime:
        """The first moment of it."""

    @property
    def ends_at(self) -> datetime | None:
        """The first moment after it; None for a lasting change."""

    @property
    def state(self) -> str:
        """Pending or active."""

    @property
    def regular_price(self) -> Decimal | None:
        """What returns after an active one."""


def price_at(moment: datetime, current: Decimal | None, planned: Iterable[Planned]) -> Decimal | None:
    """The price at a future moment: of the schedule that covers it, else the regular price by then.

    Schedules come in order of their start and do not overlap; ranges are half-open.
    """
    regular = current
    for schedule in planned:
        if schedule.state == ScheduleState.ACTIVE:
            regular = schedule.regular_price
        if schedule.starts_at > moment:
            break
        if schedule.ends_at is None:
            regular = schedule.price
        elif moment < schedule.ends_at:
            return schedule.price
    return regular
