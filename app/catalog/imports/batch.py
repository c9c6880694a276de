"""What a batch of rows does to the catalogue: records and stored books in, creations, edits and outcomes out.

Nothing here reads or writes: what is asked of the database in between is handed in.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from operator import attrgetter
from typing import Any

from app.catalog.authors.resolver import Credit, ResolvedAuthors
from app.catalog.books.errors import BookNotFound, IsbnTaken
from app.catalog.books.fields import BOOK_FIELDS, BookState
from app.catalog.formats.onix.repository import UNMAPPED
from app.catalog.formats.record import Action, Record, RowProblem
from app.catalog.goods.errors import SkuTaken, StockReserved
from app.catalog.models import ImportMode, RowStatus
from app.catalog.works.resolver import EditionChange, TitlePage

BookKey = str | int | None
"""What a record means a book by: its ISBN, else the item's id; None of a new book without ISBN."""

_FIELDS = tuple(one.state_name for one in BOOK_FIELDS)
_LABELS = {one.state_name: one.name for one in BOOK_FIELDS}
_STATE_NAMES = {one.name: one.state_name for one in BOOK_FIELDS}
_RESOLVED = frozenset({"contributors", "series_id", "category_ids"})
_LISTS = frozenset({"tags", "subjects"})
_PLAIN = frozenset(_FIELDS) - _RESOLVED - _LISTS
_REPEATED = RowProblem("isbn", "An earlier row of this file has the same ISBN.", "repeated")
_SKU_TAKEN = RowProblem("sku", "Another item has this SKU.", SkuTaken.code)
_values_of_fields = attrgetter(*_FIELDS)


@dataclass(slots=True)
class Outcome:
    """The result of one row; `version` is the book's afterwards, `before` what it had in the fields that changed.

    `raw` is the row as it came, where something of it was not understood.
    """

    number: int
    status: RowStatus
    isbn13: str | None = None
    item_id: int | None = None
    version: int | None = None
    changes: dict[str, Any] | None = None
    before: dict[str, Any] | None = None
    errors: Sequence[RowProblem] = ()
    warnings: Sequence[RowProblem] = ()
    notes: Sequence[RowProblem] = ()
    raw: dict[str, str] | None = None
    cleared: Sequence[str] = ()
    """Fields that had something and become empty."""

    @property
    def is_warned(self) -> bool:
        """Whether the row was applied, but not all that it says."""
        return bool(self.warnings) and self.status is not RowStatus.FAILED


def failure(record: Record, *problems: RowProblem) -> Outcome:
    """The row as it came, with what is wrong with it."""
    return Outcome(
        record.number, RowStatus.FAILED, errors=problems, warnings=record.warnings, raw=_as_it_came(record)
    )


def _as_it_came(record: Record) -> dict[str, str]:
    """The original columns, without the XML that an ONIX record left over."""
    return {name: cell for name, cell in record.raw.items() if name != UNMAPPED}


@dataclass(slots=True)
class StoredBook:
    """A book as it stands, its row locked."""

    item_id: int
    isbn13: str | None
    version: int
    reserved: int
    on_hand: int
    regular_price: Decimal | None
    """What it costs but for a sale that goes on; None without one."""
    state: BookState

    @property
    def key(self) -> str | int:
        """As the key of a record that means this book."""
        return self.isbn13 or self.item_id


@dataclass(slots=True)
class Names:
    """What names were found to stand for, what ids are called, and what was created on the way as kind and id."""

    authors: ResolvedAuthors = field(default_factory=ResolvedAuthors)
    series: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    author_names: dict[int, str] = field(default_factory=dict)
    series_names: dict[int, str] = field(default_factory=dict)
    slugs: dict[int, str] = field(default_factory=dict)
    created: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Edit:
    """A book, what it shall be, and the fields in which the two differ."""

    stored: StoredBook
    state: BookState
    fields: Sequence[str]

    @property
    def of_title_page(self) -> EditionChange:
        """What becomes of title and principal author."""
        old, new = self.stored.state, self.state
        return EditionChange(
            book_id=self.stored.item_id,
            old=TitlePage.of(old.title, old.contributors),
            new=TitlePage.of(new.title, new.contributors),
        )


class Triage:
    """Sorts out the records that cannot be applied, by what is known at each step; the others go on."""

    def __init__(self, mode: ImportMode, seen: Collection[str] = ()) -> None:
        """Take the mode, and the ISBNs that rows of earlier batches had."""
        self.failures: list[Outcome] = []
        self._mode = mode
        self._seen: set[BookKey] = set(seen)

    def sound(self, records: Iterable[Record]) -> list[Record]:
        """Refuse what the reader found wrong, what has no key, and an ISBN that came before."""
        return self._without(records, self._unsound)

    def allowed(self, records: Iterable[Record], stored: Mapping[BookKey, StoredBook]) -> list[Record]:
        """Refuse what the mode does not allow, given the books that the records mean."""
        return self._without(records, lambda record: self._forbidden(record, stored.get(record.key)))

    def _without(
        self, records: Iterable[Record], problems_of: Callable[[Record], Sequence[RowProblem]]
    ) -> list[Record]:
        kept = []
        for record in records:
            problems = problems_of(record)
            if problems:
                self.failures.append(failure(record, *problems))
            else:
                kept.append(record)
        return kept

    def _unsound(self, record: Record) -> Sequence[RowProblem]:
        if record.problems:
            return record.problems
        if record.isbn13 is not None and record.isbn13 in self._seen:
            return [_REPEATED]
        return self._without_key(record)

    def _without_key(self, record: Record) -> Sequence[RowProblem]:
        if record.isbn13 is None and self._mode is ImportMode.CREATE:
            # The id is of a book that is there, and the import creates.
            record.item_id = None
            if record.action is not Action.DELETE:
                return ()
        if record.key is None or (record.isbn13 is None and record.action is Action.DELETE):
            return [
                RowProblem(
                    "isbn",
                    "Without an ISBN a row can only be created: give it one, or send it with mode=create.",
                    "missing",
                )
            ]
        if record.key in self._seen:
            return [_REPEATED]
        self._seen.add(record.key)
        return ()

    def _forbidden(self, record: Record, book: StoredBook | None) -> Sequence[RowProblem]:
        if record.isbn13 is None and record.item_id is not None:
            # The title goes with the id, since the file may be another shop's.
            if book is not None and book.state.title == record.values.get("title"):
                return ()
            message = "There is no book without ISBN that has this id and this title."
            return [RowProblem("shop_item_id", message, BookNotFound.code)]
        if book is None:
            return self._forbidden_new(record)
        if self._mode is ImportMode.CREATE:
            return [RowProblem("isbn", "A book with this ISBN exists already.", IsbnTaken.code)]
        if record.action is Action.DELETE and (book.reserved or book.on_hand):
            message = "The shop has some of it: a notice of deletion takes away only what is sold out."
            return [RowProblem("isbn", message, StockReserved.code if book.reserved else "in-stock")]
        return ()

    def _forbidden_new(self, record: Record) -> Sequence[RowProblem]:
        if record.action is Action.DELETE:
            return ()
        if self._mode is ImportMode.UPDATE or record.action is Action.PATCH:
            return [RowProblem("isbn", "There is no book with this ISBN.", BookNotFound.code)]
        if not record.values.get("title"):
            return [RowProblem("title", "A new book needs a title.", "missing")]
        return ()


def drop_taken_skus(
    records: Iterable[Record], stored: Mapping[BookKey, StoredBook], owners: Mapping[str, int]
) -> None:
    """Leave out a SKU that another item has, or an earlier record of the batch; `owners` is SKU → item.

    What identifies a book is its ISBN: without that SKU it is sold as well.
    """
    taken: set[str] = set()
    for record in records:
        sku: str | None = record.values.get("sku")
        if not sku:
            continue
        book = stored.get(record.key)
        is_free = sku not in owners or (book is not None and owners[sku] == book.item_id)
        if sku in taken or not is_free:
            del record.values["sku"]
            record.warnings.append(_SKU_TAKEN)
        taken.add(sku)


@dataclass(slots=True)
class Plan:
    """What records do: the books to create, edit and delete, and an outcome for each record in order."""

    creations: list[tuple[Outcome, BookState]] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    deletions: list[StoredBook] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def make_plan(records: Iterable[Record], stored: Mapping[BookKey, StoredBook], names: Names) -> Plan:
    """Plan records that went through triage; outcomes of creations get their ids when they are written."""
    plan = Plan()
    for record in records:
        book = stored.get(record.key)
        if record.action is Action.DELETE and book is not None:
            outcome = Outcome(record.number, RowStatus.DELETED, record.isbn13, book.item_id)
            plan.deletions.append(book)
        elif record.action is Action.DELETE:
            outcome = Outcome(record.number, RowStatus.UNCHANGED, record.isbn13)
        elif book is None:
            outcome = Outcome(record.number, RowStatus.CREATED, record.isbn13, version=1)
            plan.creations.append((outcome, new_state(resolve_fields(record.values, names))))
        else:
            outcome = _plan_edit(plan, record, book, names)
        outcome.notes = record.notes
        emptied = [RowProblem(name, "becomes empty", "field-cleared") for name in outcome.cleared]
        if record.warnings or emptied:
            outcome.warnings, outcome.raw = [*record.warnings, *emptied], _as_it_came(record)
        plan.outcomes.append(outcome)
    return plan


def _plan_edit(plan: Plan, record: Record, book: StoredBook, names: Names) -> Outcome:
    values = resolve_fields(record.values, names, book.state.contributors)
    state = new_state(drop_equivalent(book, values), book.state)
    fields = changed_fields(book.state, state)
    if not fields:
        return Outcome(record.number, RowStatus.UNCHANGED, record.isbn13, book.item_id)
    plan.edits.append(Edit(book, state, fields))
    changes = readable_diff(book.state, state, fields, names)
    return Outcome(
        number=record.number,
        status=RowStatus.UPDATED,
        isbn13=record.isbn13,
        item_id=book.item_id,
        version=book.version + 1,
        changes=changes,
        before=undo_values(book.state, fields),
        cleared=_but_for_dates_that_are_over(
            record, [name for name, (_, new) in changes.items() if _is_empty(new)]
        ),
    )


def _is_empty(value: object) -> bool:
    return value is None or value == []


def empties_something(record: Record) -> bool:
    """Whether the record says of a field that it is empty."""
    return any(map(_is_empty, record.values.values()))


def emptied_fields(record: Record, state: BookState) -> list[str]:
    """What the record would empty of a book that has it, as `Outcome.cleared`."""
    emptied = [name for name, value in record.values.items() if _is_empty(value)]
    if "series" in emptied and "series_position" not in emptied:
        emptied.append("series_position")
    had = [name for name in emptied if not _is_empty(getattr(state, _STATE_NAMES[name]))]
    return _but_for_dates_that_are_over(record, had)


def _but_for_dates_that_are_over(record: Record, emptied: list[str]) -> list[str]:
    """Without the day on which the supplier expected the book, where the record says how the supplier stands now."""
    if record.values.get("supplier_availability") is None:
        return emptied
    return [name for name in emptied if name != "supplier_expected_on"]


def resolve_fields(
    values: Mapping[str, Any], names: Names, credited: Sequence[Credit] = ()
) -> dict[str, Any]:
    """The values of a record as fields of a state, for a book that credits these authors already."""
    fields = {name: value for name, value in values.items() if name in _PLAIN}
    for name in _LISTS & values.keys():
        fields[name] = values[name] or []
    if "contributors" in values:
        # Two names of one contributor are forgiven.
        credits_ = names.authors.credit(values["contributors"] or (), credited)
        fields["contributors"] = list(dict.fromkeys(credits_))
    if "series" in values:
        fields["series_id"] = names.series[values["series"]] if values["series"] else None
    if "categories" in values:
        fields["category_ids"] = sorted({names.categories[name] for name in values["categories"] or ()})
    return fields


def drop_equivalent(book: StoredBook, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields without what says the same in other words: the price but for a sale."""
    if book.regular_price is None or fields.get("price") != book.regular_price:
        return fields
    return {name: value for name, value in fields.items() if name != "price"}


def new_state(fields: Mapping[str, Any], old: BookState | None = None) -> BookState:
    """The state with these fields set; a position without a series is none."""
    state = BookState(**fields) if old is None else replace(old, **fields)
    if state.series_id is None:
        state.series_position = None
    return state


def changed_fields(old: BookState, new: BookState) -> list[str]:
    """The fields in which the two differ."""
    pairs = zip(_FIELDS, _values_of_fields(old), _values_of_fields(new), strict=True)
    return [name for name, was, becomes in pairs if was != becomes]


def undo_values(old: BookState, fields: Iterable[str]) -> dict[str, Any]:
    """What a revert restores, as JSON holds it."""
    values = {name: getattr(old, name) for name in fields}
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in values.items()}


def restored_state(state: BookState, values: Mapping[str, Any]) -> BookState:
    """The state with the fields that `undo_values` kept."""
    fields = dict(values)
    if fields.get("price") is not None:
        fields["price"] = Decimal(fields["price"])
    if "contributors" in fields:
        fields["contributors"] = [(author_id, role) for author_id, role in fields["contributors"]]
    return replace(state, **fields)


def readable_diff(
    old: BookState, new: BookState, fields: Iterable[str], names: Names
) -> dict[str, list[Any]]:
    """Field → [old, new] as people read it."""
    return {
        _LABELS[name]: [_readable(name, getattr(state, name), names) for state in (old, new)]
        for name in fields
    }


def _readable(name: str, value: Any, names: Names) -> object:
    if name == "contributors":
        return [{"name": names.author_names.get(one), "role": role} for one, role in value]
    if name == "series_id":
        return None if value is None else names.series_names.get(value)
    if name == "category_ids":
        return sorted(names.slugs.get(one, str(one)) for one in value)
    return float(value) if isinstance(value, Decimal) else value
