"""Which backups are kept: the newest of each of the last days, weeks and months that have one."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from app.core.settings.backups import BackupSettings
from app.ops.backups.manifest import Manifest

_Period = Callable[[datetime], tuple[int, ...]]


def expired(backups: Iterable[Manifest], settings: BackupSettings) -> Sequence[Manifest]:
    """Those that may go, the oldest first; the newest of all never does."""
    newest_first = sorted(backups, key=lambda one: one.snapshot_at, reverse=True)
    kept = {one.name for one in newest_first[:1]}
    rules: tuple[tuple[_Period, int], ...] = (
        (lambda at: (at.year, at.month, at.day), settings.keep_daily),
        (lambda at: at.isocalendar()[:2], settings.keep_weekly),
        (lambda at: (at.year, at.month), settings.keep_monthly),
    )
    for period_of, count in rules:
        kept |= _newest_of_each(newest_first, period_of, count)
    return [one for one in reversed(newest_first) if one.name not in kept]


def _newest_of_each(newest_first: Sequence[Manifest], period_of: _Period, count: int) -> set[str]:
    newest: dict[tuple[int, ...], str] = {}
    for one in newest_first:
        newest.setdefault(period_of(one.snapshot_at), one.name)
    # A dictionary keeps the order: the last periods come first.
    return set(list(newest.values())[:count])
