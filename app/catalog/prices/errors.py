"""Refusals about planned prices."""

from app.core.errors import AppError, on_constraint


class PriceScheduleNotFound(AppError):
    """The item has no planned price with this id."""

    status = 404
    code = "price-schedule-not-found"
    title = "Planned price not found"


class PriceSchedulesOverlap(AppError):
    """Another planned price of the item covers part of that time."""

    status = 409
    code = "price-schedules-overlap"
    title = "Planned prices overlap"


class PriceScheduleClosed(AppError):
    """A planned price that ended, was missed or gave way to an edit stays as the record of it."""

    status = 409
    code = "price-schedule-closed"
    title = "The planned price is over"


class PriceScheduleStarted(AppError):
    """A planned price that holds already can only end at another time; a new price is an edit of the item."""

    status = 409
    code = "price-schedule-started"
    title = "The planned price holds already"


class TooManyPriceSchedules(AppError):
    """An item has at most so many planned prices that are not over."""

    status = 409
    code = "too-many-price-schedules"
    title = "Too many planned prices"


class PriceScheduleInPast(AppError):
    """A planned price must end in the future, and after it begins."""

    status = 422
    code = "price-schedule-in-past"
    title = "The planned price would be over before it began"


def no_schedule(schedule_id: int) -> PriceScheduleNotFound:
    """Refuse an id that no planned price of the item has."""
    return PriceScheduleNotFound(f"The item has no planned price {schedule_id}.")


on_constraint(
    "ex_price_schedules_overlap",
    PriceSchedulesOverlap,
    "starts_at",
    "Another planned price of this item covers part of that time.",
)
