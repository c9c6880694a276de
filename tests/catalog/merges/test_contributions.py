"""Which contributions a merge moves and its undo gives back, without a database."""

from app.catalog.merges.contributions import Contribution, Dropped, plan_merge, plan_undo

OLD, NEW = 1, 2
OTHER = 3


def test_every_contribution_of_the_source_moves() -> None:
    rows = [Contribution(10, 1, OLD, "author"), Contribution(11, 2, OLD, "editor")]
    assert plan_merge(rows, OLD, NEW).moved == rows


def test_of_two_in_one_role_the_later_in_print_goes() -> None:
    first, second = Contribution(10, 1, NEW, "author"), Contribution(10, 3, OLD, "author")
    plan = plan_merge([first, second], OLD, NEW)
    assert (plan.moved, plan.dropped) == ([], [Dropped(*second, kept_position=1)])


def test_the_place_of_the_source_is_kept_when_it_stands_before_the_target() -> None:
    first, second = Contribution(10, 1, OLD, "author"), Contribution(10, 3, NEW, "author")
    plan = plan_merge([first, second], OLD, NEW)
    assert (plan.moved, plan.dropped) == ([first], [Dropped(*second, kept_position=1)])


def test_different_roles_of_both_stay() -> None:
    rows = [Contribution(10, 1, OLD, "author"), Contribution(10, 2, NEW, "editor")]
    plan = plan_merge(rows, OLD, NEW)
    assert (plan.moved, plan.dropped) == (rows[:1], [])


def test_what_stands_as_the_merge_left_it_goes_back() -> None:
    moved, dropped = [Contribution(10, 1, OLD, "author")], [Dropped(10, 3, NEW, "author", 1)]
    plan = plan_undo(moved, dropped, [Contribution(10, 1, NEW, "author")], NEW)
    assert (plan.moved, plan.dropped, plan.left) == (moved, dropped, [])


def test_what_was_edited_since_is_left() -> None:
    moved = [Contribution(10, 1, OLD, "author"), Contribution(11, 1, OLD, "author")]
    now = [Contribution(10, 1, NEW, "editor"), Contribution(11, 1, OTHER, "author")]
    plan = plan_undo(moved, [], now, NEW)
    assert (plan.moved, plan.left) == ([], moved)


def test_a_dropped_contribution_whose_place_is_taken_is_left() -> None:
    dropped = [Dropped(10, 2, OLD, "author", 1)]
    now = [Contribution(10, 1, NEW, "author"), Contribution(10, 2, OTHER, "author")]
    assert plan_undo([], dropped, now, NEW).left == [Contribution(10, 2, OLD, "author")]
