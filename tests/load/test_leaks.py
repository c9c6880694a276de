"""The rule by which a soak tells a leak from noise."""

import random

import pytest

from .leaks import Watch

MINUTES = 20


def watched(per_hour: float, *, is_memory: bool, warm_up: float = 0, noise: float = 0) -> Watch:
    """Twenty minutes, a sample each ten seconds, of something that grows like this."""
    watch = Watch("it", is_memory)
    dice = random.Random(7)
    for second in range(0, MINUTES * 60, 10):
        rising = warm_up * min(1, second / 180)
        watch.add(second, 100 + rising + per_hour * second / 3600 + dice.uniform(-noise, noise))
    return watch


@pytest.mark.parametrize(("per_hour", "leaks"), [(0, False), (10, False), (40, True), (-40, False)])
def test_memory_that_grows_all_the_time_leaks_and_what_fills_at_first_does_not(
    per_hour: float, *, leaks: bool
) -> None:
    watch = watched(per_hour, is_memory=True, warm_up=60, noise=2)
    assert watch.leaks is leaks
    assert watch.slope == pytest.approx(per_hour, abs=3)


@pytest.mark.parametrize(("per_hour", "leaks"), [(0, False), (6, False), (60, True)])
def test_more_open_things_at_the_end_than_at_the_beginning_leak(per_hour: float, *, leaks: bool) -> None:
    assert watched(per_hour, is_memory=False, warm_up=30, noise=1).leaks is leaks


def test_one_peak_is_no_leak() -> None:
    watch = watched(0, is_memory=True)
    watch.samples[-5] = (watch.samples[-5][0], 900)
    assert not watch.leaks
