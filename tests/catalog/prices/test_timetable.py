"""What planned prices make of a price, moment by moment; no database."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.catalog.models import ScheduleState
from app.catalog.prices.timetable import OpenSchedule, price_due

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
PENDING, ACTIVE = ScheduleState.PENDING, ScheduleState.ACTIVE
ENDED, MISSED = ScheduleState.ENDED, ScheduleState.MISSED
REGULAR = Decimal(10)


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def schedule(
    id_: int,
    price: int,
    starts: float,
    ends: float | None = None,
    state: ScheduleState = PENDING,
    regular: int | None = None,
) -> OpenSchedule:
    return OpenSchedule(
        id=id_,
        item_id=1,
        price=Decimal(price),
        starts_at=hour(starts),
        ends_at=None if ends is None else hour(ends),
        state=state,
        regular_price=None if regular is None else Decimal(regular),
        actor_id=100 + id_,
    )


SALE = schedule(1, 8, 1, 2)
RISE = schedule(2, 12, 3)
SECOND_RISE = schedule(3, 13, 4)
LATE_SALE = schedule(4, 6, 5, 7)
HOLDING = schedule(5, 7, -1, 1, ACTIVE, regular=11)
PLANS = (SALE, RISE, SECOND_RISE, LATE_SALE)


@pytest.mark.parametrize(
    ("moment", "price", "states"),
    [
        (0, 10, {}),
        (1, 8, {1: ACTIVE}),
        (1.999, 8, {1: ACTIVE}),
        (2, 10, {1: MISSED}),
        (3, 12, {1: MISSED, 2: ENDED}),
        (4, 13, {1: MISSED, 2: MISSED, 3: ENDED}),
        (5, 6, {1: MISSED, 2: MISSED, 3: ENDED, 4: ACTIVE}),
        (7, 13, {1: MISSED, 2: MISSED, 3: ENDED, 4: MISSED}),
    ],
)
def test_the_schedule_of_the_moment_sets_the_price_and_the_last_lasting_one_the_regular_price(
    moment: float, price: int, states: dict[int, ScheduleState]
) -> None:
    due = price_due(hour(moment), REGULAR, PLANS)
    assert due.price == Decimal(price)
    assert due.states == states


@pytest.mark.parametrize(
    ("moment", "price", "regular", "states"),
    [
        (0, 7, 7, {}),
        (1, 8, 11, {5: ENDED, 1: ACTIVE}),
        (2, 11, 11, {5: ENDED, 1: MISSED}),
        (3, 12, 12, {5: ENDED, 1: MISSED, 2: ENDED}),
    ],
)
def test_after_a_sale_that_holds_its_regular_price_returns(
    moment: float, price: int, regular: int, states: dict[int, ScheduleState]
) -> None:
    due = price_due(hour(moment), Decimal(7), (HOLDING, *PLANS))
    assert (due.price, due.regular_price) == (Decimal(price), Decimal(regular))
    assert due.states == states


@pytest.mark.parametrize(("moment", "planner"), [(0, None), (1, 101), (3, 102), (5, 104), (7, 103)])
def test_the_planner_is_whose_price_it_is(moment: float, planner: int | None) -> None:
    assert price_due(hour(moment), REGULAR, PLANS).actor_id == planner


def test_what_is_not_for_sale_has_a_price_while_a_sale_holds() -> None:
    assert price_due(hour(1), None, [SALE]).price == Decimal(8)
    assert price_due(hour(1), None, [SALE]).regular_price is None
    assert price_due(hour(2), None, [SALE]).price is None
