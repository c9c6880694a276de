"""Which contributions a merge of two authors moves, and which of them its undo can move back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Contribution(NamedTuple):
    """Who did what for a book, at which place of the printed order."""

    book_id: int
    position: int
    author_id: int
    role: str


class Dropped(NamedTuple):
    """A contribution that the one at `kept_position` made a repetition."""

    book_id: int
    position: int
    author_id: int
    role: str
    kept_position: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What changes its author, and what goes (merge) or comes back (undo); `left` is what an undo leaves."""

    moved: list[Contribution] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    left: list[Contribution] = field(default_factory=list)


def plan_merge(contributions: Iterable[Contribution], source_id: int, target_id: int) -> Plan:
    """Every contribution of the source moves; of two in one role of one book the later in print goes."""
    rows = sorted(contributions)
    twins = {(row.book_id, row.role): row for row in rows if row.author_id == target_id}
    plan = Plan()
    for row in rows:
        if row.author_id != source_id:
            continue
        twin = twins.get((row.book_id, row.role))
        if twin is not None and twin.position < row.position:
            plan.dropped.append(Dropped(*row, kept_position=twin.position))
            continue
        if twin is not None:
            plan.dropped.append(Dropped(*twin, kept_position=row.position))
        plan.moved.append(row)
    return plan


def plan_undo(
    moved: Sequence[Contribution], dropped: Sequence[Dropped], now: Iterable[Contribution], target_id: int
) -> Plan:
    """Contributions that stand as the merge left them go back; what was edited since stays."""
    standing = {(row.book_id, row.position): row for row in now}
    plan = Plan()
    for row in moved:
        is_untouched = standing.get((row.book_id, row.position)) == row._replace(author_id=target_id)
        (plan.moved if is_untouched else plan.left).append(row)
    for gone in dropped:
        kept = standing.get((gone.book_id, gone.kept_position))
        expected = Contribution(gone.book_id, gone.kept_position, target_id, gone.role)
        if kept == expected and (gone.book_id, gone.position) not in standing:
            plan.dropped.append(gone)
        else:
            plan.left.append(Contribution(*gone[:4]))
    return plan
