"""What rows do to books, planned without a database."""

from decimal import Decimal
from typing import Any

import pytest

from app.catalog.authors.resolver import ResolvedAuthors
from app.catalog.books.fields import BookState
from app.catalog.formats.record import Action, Record, RowProblem
from app.catalog.imports.batch import (
    Names,
    Outcome,
    Plan,
    StoredBook,
    Triage,
    changed_fields,
    drop_taken_skus,
    make_plan,
    restored_state,
    undo_values,
)
from app.catalog.models import ImportMode, RowStatus

ISBN = "9780261102217"
OTHER = "9780261102354"
ANN, BEA = 1, 2
NAMESAKE = 3


def row(number: int = 1, isbn13: str | None = ISBN, action: Action = Action.PUT, **values: Any) -> Record:
    return Record(number, raw={}, isbn13=isbn13, values=values, action=action)


def book(isbn13: str | None = ISBN, reserved: int = 0, sale: int | None = None, **state: Any) -> StoredBook:
    regular_price = None if sale is None else Decimal(sale)
    return StoredBook(
        7, isbn13, 4, reserved, reserved, regular_price, BookState(**{"title": "The Hobbit", **state})
    )


def plan(record: Record, *stored: StoredBook, names: Names | None = None) -> tuple[Plan, Outcome]:
    made = make_plan([record], {one.key: one for one in stored}, names or Names())
    return made, made.outcomes[0]


def complaints(triage: Triage) -> list[tuple[int, str]]:
    return [(one.number, one.errors[0].type) for one in triage.failures]


def test_a_row_with_a_problem_or_without_a_key_is_refused() -> None:
    triage = Triage(ImportMode.UPSERT)
    wrong = row(1)
    wrong.problems.append(RowProblem("price", "is no number", "not-a-number"))
    sound = triage.sound([wrong, row(2, isbn13=None, title="X"), row(4)])
    assert [one.number for one in sound] == [4]
    assert complaints(triage) == [(1, "not-a-number"), (2, "missing")]


def test_an_isbn_counts_once_in_the_batch_and_in_the_file() -> None:
    triage = Triage(ImportMode.UPSERT, seen={OTHER})
    sound = triage.sound([row(1), row(2), row(3, isbn13=OTHER)])
    assert [one.number for one in sound] == [1]
    assert complaints(triage) == [(2, "repeated"), (3, "repeated")]


def test_rows_without_isbn_are_new_books_when_the_import_creates() -> None:
    triage = Triage(ImportMode.CREATE)
    twins = [row(1, isbn13=None, title="Beowulf"), row(2, isbn13=None, title="Beowulf")]
    twins[0].item_id = 7
    sound = triage.sound(twins)
    assert [one.key for one in sound] == [None, None]
    assert triage.allowed(sound, {}) == twins


@pytest.mark.parametrize(
    ("mode", "new", "known"),
    [
        (ImportMode.CREATE, None, "isbn-taken"),
        (ImportMode.UPDATE, "book-not-found", None),
        (ImportMode.UPSERT, None, None),
    ],
)
def test_the_mode_decides_what_new_and_known_books_may_do(
    mode: ImportMode, new: str | None, known: str | None
) -> None:
    for books, expected in (([], new), ([book()], known)):
        triage = Triage(mode)
        triage.allowed([row(title="The Hobbit")], {one.key: one for one in books})
        assert complaints(triage) == ([] if expected is None else [(1, expected)])


def test_a_new_book_needs_a_title_and_a_reserved_one_is_not_deleted() -> None:
    triage = Triage(ImportMode.UPSERT)
    triage.allowed([row(1)], {})
    triage.allowed([row(2, action=Action.DELETE)], {ISBN: book(reserved=1)})
    assert complaints(triage) == [(1, "missing"), (2, "stock-reserved")]


def test_an_id_of_this_shop_counts_with_the_title_of_its_book() -> None:
    triage = Triage(ImportMode.UPSERT)
    right, wrong = row(1, isbn13=None, title="The Hobbit"), row(2, isbn13=None, title="Grendel")
    right.item_id = wrong.item_id = 7
    assert triage.allowed([right, wrong], {7: book(isbn13=None)}) == [right]
    assert complaints(triage) == [(2, "book-not-found")]


def test_a_sku_is_free_for_its_own_book_and_the_first_row_that_wants_it() -> None:
    records = [
        row(1, sku="MINE"),
        row(2, isbn13=OTHER, sku="TAKEN"),
        row(3, isbn13="9780261103566", sku="NEW"),
        row(4, isbn13="9780261103573", sku="NEW"),
    ]
    drop_taken_skus(records, {ISBN: book()}, {"MINE": 7, "TAKEN": 8})
    assert [one.values.get("sku") for one in records] == ["MINE", None, "NEW", None]
    assert [[warning.type for warning in one.warnings] for one in records] == [
        [],
        ["sku-taken"],
        [],
        ["sku-taken"],
    ]


def test_only_the_fields_of_the_row_change_and_what_they_were_is_kept() -> None:
    stored = book(subtitle="There and back again", price=Decimal("12.50"), tags=["dragon"])
    made, outcome = plan(row(subtitle=None, price=Decimal("9.99"), tags=None), stored)
    (edit,) = made.edits
    assert (edit.state.title, edit.state.subtitle, edit.state.tags) == ("The Hobbit", None, [])
    assert sorted(edit.fields) == ["price", "subtitle", "tags"]
    assert (outcome.status, outcome.item_id, outcome.version) == (RowStatus.UPDATED, 7, 5)
    assert outcome.changes == {
        "subtitle": ["There and back again", None],
        "price": [12.5, 9.99],
        "tags": [["dragon"], []],
    }
    assert outcome.before == {"subtitle": "There and back again", "price": "12.50", "tags": ["dragon"]}
    assert changed_fields(stored.state, restored_state(edit.state, outcome.before)) == []


def test_the_same_in_other_words_changes_nothing() -> None:
    stored = book(language="fr", price=Decimal(8), sale=10)
    for values in ({"language": "fr"}, {"price": Decimal(10)}, {"title": "The Hobbit"}):
        made, outcome = plan(row(**values), stored)
        assert (made.edits, outcome.status) == ([], RowStatus.UNCHANGED), values
    assert plan(row(price=Decimal(9)), stored)[1].status is RowStatus.UPDATED


def test_a_position_without_a_series_is_none() -> None:
    stored = book(series_id=5, series_position="2")
    made, _ = plan(row(series=None), stored)
    assert (made.edits[0].state.series_id, made.edits[0].state.series_position) == (None, None)


def test_names_become_ids_and_whom_a_book_credits_stays() -> None:
    authors = ResolvedAuthors(
        by_name={"Ann": [ANN, NAMESAKE], "Bea": [BEA]}, canonical={ANN: ANN, BEA: BEA, NAMESAKE: NAMESAKE}
    )
    names = Names(authors=authors, series={"Saga": 9}, categories={"Fantasy": 11})
    values: dict[str, Any] = {
        "contributors": [("Ann", "author"), ("Bea", "editor")],
        "series": "Saga",
        "categories": ["Fantasy"],
    }
    made, outcome = plan(row(title="New", **values), names=names)
    ((created, state),) = made.creations
    assert created is outcome
    assert (outcome.status, outcome.version) == (RowStatus.CREATED, 1)
    assert state.contributors == [(ANN, "author"), (BEA, "editor")]
    assert (state.series_id, state.category_ids) == (9, [11])
    made, _ = plan(row(**values), book(contributors=[(NAMESAKE, "author")]), names=names)
    assert made.edits[0].state.contributors == [(NAMESAKE, "author"), (BEA, "editor")]


def test_a_deletion_of_a_book_that_is_not_there_changes_nothing() -> None:
    stored = book()
    made, outcome = plan(row(action=Action.DELETE), stored)
    assert (made.deletions, outcome.status) == ([stored], RowStatus.DELETED)
    made, outcome = plan(row(action=Action.DELETE))
    assert (made.deletions, outcome.status) == ([], RowStatus.UNCHANGED)


def test_what_a_revert_restores_fits_into_json() -> None:
    state = BookState(title="X", price=Decimal("1.50"), contributors=[(ANN, "author")])
    kept = undo_values(state, ["price", "contributors"])
    assert kept["price"] == "1.50"
    back = restored_state(BookState(title="X"), {**kept, "contributors": [[ANN, "author"]]})
    assert changed_fields(state, back) == []
