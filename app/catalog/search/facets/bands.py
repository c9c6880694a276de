"""The price bands that books are counted by."""

from decimal import Decimal

_EDGES = (0, 5, 10, 20, 30, 50, 100, 200)

PRICE_BANDS: tuple[tuple[Decimal, Decimal | None], ...] = tuple(
    (Decimal(low), Decimal(high) if high else None)
    for low, high in zip(_EDGES, (*_EDGES[1:], None), strict=True)
)
"""From (counts) and to (does not) of each band; the last one has no end."""


def band_value(band: int) -> str:
    """The band, numbered from 1, as the filter `price` takes it."""
    low, high = PRICE_BANDS[band - 1]
    return f"{low}-{'' if high is None else high}"
