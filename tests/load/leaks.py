"""When something that is watched for a while counts as leaking.

The first quarter of a watch is the warm-up: caches fill, pools open, code is imported. Of the rest:

- **memory** leaks when it grows by more than `MOST_MIB_PER_HOUR` (the median of the slopes between all pairs of
  samples, Theil and Sen, which single peaks do not move) and by more than `NOISE_MIB` in all;
- **a number of things** that are open (file handles, connections, threads) leaks when its median over the last
  quarter of the rest is more than `MOST_MORE` above that over the first quarter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median

WARM_UP = 0.25
MOST_MIB_PER_HOUR = 20.0
NOISE_MIB = 4.0
MOST_MORE = 3


@dataclass
class Watch:
    """One figure over time: (seconds, value)."""

    name: str
    is_memory: bool = False
    samples: list[tuple[float, float]] = field(default_factory=list)

    def add(self, seconds: float, value: float) -> None:
        """Note a sample."""
        self.samples.append((seconds, value))

    @property
    def settled(self) -> Sequence[tuple[float, float]]:
        """The samples after the warm-up."""
        return self.samples[int(len(self.samples) * WARM_UP) :]

    @property
    def before(self) -> float:
        """The middle of the first quarter after the warm-up."""
        return median(value for _, value in self.settled[: max(1, len(self.settled) // 4)])

    @property
    def after(self) -> float:
        """The middle of the last quarter."""
        return median(value for _, value in self.settled[-max(1, len(self.settled) // 4) :])

    @property
    def slope(self) -> float:
        """Growth per hour after the warm-up."""
        slopes = [
            (later - value) / (at - seconds) * 3600
            for (seconds, value), (at, later) in combinations(self.settled, 2)
            if at > seconds
        ]
        return median(slopes) if slopes else 0.0

    @property
    def leaks(self) -> bool:
        """By the rule above."""
        growth = self.after - self.before
        if self.is_memory:
            return self.slope > MOST_MIB_PER_HOUR and growth > NOISE_MIB
        return growth > MOST_MORE
