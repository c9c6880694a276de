"""What planned prices make of an item's price at a moment; no I/O.

The one place of this rule: it says what an item will cost at a moment to come, and what the
job and every edit of a plan do to prices now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from app.catalog.models import ScheduleState


class OpenSchedule(NamedTuple):
    """A planned price that is not over: pending, or active with the `regular_price` that returns at its end."""

    id: int
    item_id: int
    price: Decimal
    starts_at: datetime
    ends_at: datetime | None
    state: str
    regular_price: Decimal | None
    actor_id: int


@dataclass(frozen=True, slots=True)
class DuePrice:
    """What an item costs at a moment: `regular_price` returns when the sale ends that holds then, if any.

    `states` has every schedule that begins or ends by the moment; `actor_id` is who planned the price,
    None where no schedule has a part in it.
    """

    price: Decimal | None
    regular_price: Decimal | None
    actor_id: int | None
    states: Mapping[int, ScheduleState]


def price_due(moment: datetime, current: Decimal | None, schedules: Iterable[OpenSchedule]) -> DuePrice:
    """Find the price at the moment: of the schedule that covers it, else the regular price by then.

    Schedules come in the order of their start and do not overlap; ranges are half-open. A schedule
    without an end changes the regular price, the last one counts. What is both begun and over by the
    moment, and was never applied, is missed.
    """
    states: dict[int, ScheduleState] = {}
    holding: OpenSchedule | None = None
    lasting: OpenSchedule | None = None
    ended: OpenSchedule | None = None
    for schedule in schedules:
        if schedule.starts_at > moment:
            break
        is_over = schedule.ends_at is not None and schedule.ends_at <= moment
        if schedule.state == ScheduleState.ACTIVE:
            if is_over:
                ended, states[schedule.id] = schedule, ScheduleState.ENDED
            else:
                holding = schedule
        elif is_over:
            states[schedule.id] = ScheduleState.MISSED
        elif schedule.ends_at is None:
            if lasting is not None:
                states[lasting.id] = ScheduleState.MISSED
            lasting, states[schedule.id] = schedule, ScheduleState.ENDED
        else:
            holding, states[schedule.id] = schedule, ScheduleState.ACTIVE
    regular = current
    if lasting is not None:
        regular = lasting.price
    elif ended is not None:
        regular = ended.regular_price
    planner = holding or lasting or ended
    return DuePrice(
        price=regular if holding is None else holding.price,
        regular_price=regular,
        actor_id=None if planner is None else planner.actor_id,
        states=states,
    )
