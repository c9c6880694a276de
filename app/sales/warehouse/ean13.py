"""EAN-13 bar codes (GS1 General Specifications, 5.2.1): pure."""

from itertools import groupby
from typing import NamedTuple

_LEFT = (
    "0001101",
    "0011001",
    "0010011",
    "0111101",
    "0100011",
    "0110001",
    "0101111",
    "0111011",
    "0110111",
    "0001011",
)
"""Set A. Set C is its complement, and set B is set C from behind."""
_SETS = ("AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA")
"""Which sets write the left half; together they say the first digit."""
_INVERTED = str.maketrans("01", "10")
_GUARDS = frozenset({*range(3), *range(45, 50), *range(92, 95)})


class Bar(NamedTuple):
    """A bar, from the left edge, in modules; those at the edges and in the middle are longer."""

    start: int
    width: int
    is_guard: bool


def modules(code: str) -> str:
    """The 95 modules of the thirteen digits, a bar as 1 and a space as 0."""
    sets = _SETS[int(code[0])]
    left = "".join(_left(digit, one) for digit, one in zip(code[1:7], sets, strict=True))
    right = "".join(_right(digit) for digit in code[7:])
    return f"101{left}01010{right}101"


def bars(code: str) -> list[Bar]:
    """The bars of the thirteen digits."""
    drawn, place = [], 0
    for module, run in groupby(modules(code)):
        width = len(list(run))
        if module == "1":
            drawn.append(Bar(place, width, place in _GUARDS))
        place += width
    return drawn


def _left(digit: str, one: str) -> str:
    return _LEFT[int(digit)] if one == "A" else _right(digit)[::-1]


def _right(digit: str) -> str:
    return _LEFT[int(digit)].translate(_INVERTED)
