"""Turns the names in a batch of books into ids, making what there is not."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self

from app.catalog.authors.names import as_printed
from app.catalog.bulk import BULK_LOCK
from app.catalog.imports.names.repository import NameRepository, Rows
from app.catalog.slugs import SLUG_PATTERN, make_slug


@dataclass(slots=True)
class Names:
    """What names were found to stand for, what ids are called, and what was made on the way."""

    authors: dict[str, int] = field(default_factory=dict)
    series: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    author_names: dict[int, str] = field(default_factory=dict)
    series_names: dict[int, str] = field(default_factory=dict)
    slugs: dict[int, str] = field(default_factory=dict)
    made: list[tuple[str, int]] = field(default_factory=list)

    def made_of(self, kind: str) -> bool:
        """Whether anything of the kind was made."""
        return any(made == kind for made, _ in self.made)


class NamesMoved(Exception):
    """An author or a work was merged or deleted at this very moment: look again."""


class NameService:
    """Resolves names by the rules of `AuthorDirectory`, `WorkDirectory` and the books' own."""

    def __init__(self, names: NameRepository) -> None:
        self._names = names

    @classmethod
    def build(cls, connection: Any) -> Self:
        """On the driver's connection of a transaction that has begun."""
        return cls(NameRepository(connection))

    async def hold(self) -> None:
        """Keep requests from making the same authors and works until the transaction ends."""
        await self._names.lock(BULK_LOCK)

    async def reserve(self, table: str, count: int) -> list[int]:
        """New ids of items or works."""
        return await self._names.reserve(table, count)

    async def resolve(self, values: Iterable[dict[str, Any]], names: Names) -> None:
        """Find or make every author, series and category that the values name."""
        people: dict[str, None] = {}
        series: dict[str, None] = {}
        shelves: dict[str, None] = {}
        for each in values:
            people.update((name, None) for name, _ in each.get("contributors") or ())
            if each.get("series"):
                series[each["series"]] = None
            shelves.update((name, None) for name in each.get("categories") or ())
        if people:
            await self._authors(list(people), names)
        if series:
            await self._series(list(series), names)
        if shelves:
            await self._categories(list(shelves), names)

    async def works(self, wanted: Sequence[tuple[str, int | None]]) -> list[int]:
        """The work of each title and principal author, in order, made if there is none."""
        authored = [(title, author_id) for title, author_id in wanted if author_id is not None]
        rows = await self._names.list_works([title for title, _ in authored], [one for _, one in authored])
        keys = {(row["title"], row["author_id"]): (row["key"], row["id"]) for row in rows}
        reserved = iter(await self.reserve("works", len(wanted) - _count_found(rows)))
        known = {(row["key"], row["author_id"]): row["id"] for row in rows if row["id"] is not None}
        made: list[tuple[int, str, int | None]] = []
        ids = []
        for title, author_id in wanted:
            key = None if author_id is None else (keys[title, author_id][0], author_id)
            work_id = known.get(key) if key is not None else None
            if work_id is None:
                work_id = next(reserved)
                made.append((work_id, title, author_id))
                if key is not None:
                    known[key] = work_id
            ids.append(work_id)
        await self._hold("works", {row["id"] for row in rows if row["id"] is not None})
        if made:
            await self._names.add_works(made)
        return ids

    async def _hold(self, table: str, ids: Collection[int]) -> None:
        if ids and not await self._names.hold(table, list(ids)):
            raise NamesMoved(table)

    async def _authors(self, people: Collection[str], names: Names) -> None:
        printed = {name: as_printed(name) for name in people}
        rows = await self._names.list_authors(list(dict.fromkeys(printed.values())))
        ids = {row["name"]: row["id"] for row in rows}
        names.author_names.update((row["id"], row["shown"]) for row in rows if row["id"] is not None)
        missing = {row["key"]: row["name"] for row in reversed(rows) if row["id"] is None}
        if missing:
            by_key = await self._make_authors(missing, names)
            ids.update((row["name"], by_key[row["key"]]) for row in rows if row["id"] is None)
        names.authors.update((name, ids[normal]) for name, normal in printed.items())
        await self._hold("authors", set(ids.values()))

    async def _make_authors(self, missing: dict[str, str], names: Names) -> dict[str, int]:
        by_key = {row["key"]: row["id"] for row in await self._names.list_aliases(list(missing))}
        unknown = {name: key for key, name in missing.items() if key not in by_key}
        if unknown:
            for row in await self._names.add_authors(list(unknown)):
                by_key[unknown[row["name"]]] = row["id"]
                names.author_names[row["id"]] = row["name"]
                names.made.append(("author", row["id"]))
        return by_key

    async def _series(self, wanted: Sequence[str], names: Names) -> None:
        rows = await self._names.list_series(wanted)
        missing = [row["name"] for row in rows if row["id"] is None]
        if missing:
            made = await self._names.add_series(missing)
            names.made += [("series", row["id"]) for row in made]
            rows = [*rows, *await self._names.list_series(missing)]
        for row in rows:
            if row["id"] is not None:
                names.series[row["name"]] = row["id"]
                names.series_names[row["id"]] = row["shown"]

    async def _categories(self, wanted: Sequence[str], names: Names) -> None:
        slugs = {name: slug_of(name) or "" for name in wanted}
        known = await self._known_categories(slugs.values(), names)
        missing = {slug: name for name, slug in slugs.items() if slug not in known}
        if missing:
            await self._names.lock_tree()
            made = await self._names.add_categories(
                [_title_of(name) for name in missing.values()], list(missing)
            )
            names.made += [("category", row["id"]) for row in made]
            known |= await self._known_categories(missing, names)
        names.categories.update((name, known[slug]) for name, slug in slugs.items())

    async def _known_categories(self, slugs: Iterable[str], names: Names) -> dict[str, int]:
        rows = await self._names.list_categories(list(dict.fromkeys(slugs)))
        names.slugs.update((row["id"], row["slug"]) for row in rows)
        return {row["slug"]: row["id"] for row in rows}


@lru_cache(maxsize=1024)
def slug_of(name: str) -> str | None:
    """The slug that a category of a file stands for: itself, or what its name makes; None if neither."""
    return make_slug(name)


def _title_of(name: str) -> str:
    return name.replace("-", " ").capitalize() if re.fullmatch(SLUG_PATTERN, name) else name


def _count_found(rows: Rows) -> int:
    return sum(row["id"] is not None for row in rows)
