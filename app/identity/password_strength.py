"""How hard a password is to guess: zxcvbn's estimate, in a thread of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module

from app.identity.errors import HashingBusy
from app.identity.password_rules import weaknesses

LONGEST_ESTIMATED = 24
"""What follows is not looked at: the estimate takes time that grows fast with the length."""

_LONGEST_QUEUE = 8
# One thread: the library keeps the words of the caller in a global.
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="strength")
_waiting = 0


class Strength(StrEnum):
    """The score in words, from 0 to 4."""

    VERY_WEAK = "very weak"
    WEAK = "weak"
    FAIR = "fair"
    GOOD = "good"
    STRONG = "strong"


@dataclass(frozen=True, slots=True)
class Estimate:
    """Score 0 to 4, and what would make the password better."""

    score: int
    feedback: list[str]

    @property
    def strength(self) -> Strength:
        """The score in words."""
        return list(Strength)[self.score]


async def estimate_strength(password: str, words: list[str]) -> Estimate:
    """Estimate it, given words that whoever guesses knows, user name first. Raises HashingBusy when too many wait.

    A password that registration would refuse scores at most 1.
    """
    global _waiting  # noqa: PLW0603 (one counter beside the one pool)
    if _waiting >= _LONGEST_QUEUE:
        raise HashingBusy("Too many passwords at once; try again in a moment.", headers={"Retry-After": "2"})
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, _estimate, password, words)
    finally:
        _waiting -= 1


def _estimate(password: str, words: list[str]) -> Estimate:
    refusals = weaknesses(password, words[0] if words else "")
    if not password:
        return Estimate(0, refusals)
    # Its word lists take 12 MB of every worker, and few ever ask: loaded by the first who does.
    result = import_module("zxcvbn").zxcvbn(password[:LONGEST_ESTIMATED], user_inputs=words)
    hints = [result["feedback"]["warning"], *result["feedback"]["suggestions"]]
    score = min(result["score"], 1) if refusals else result["score"]
    return Estimate(score, refusals + [hint for hint in hints if hint])
