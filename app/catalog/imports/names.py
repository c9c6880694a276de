"""Turns the names in a batch of books into ids, creating what there is not."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.resolver import AuthorResolver, ResolvedAuthors
from app.catalog.categories.resolver import CategoryResolver
from app.catalog.series.resolver import SeriesResolver


@dataclass(slots=True)
class Names:
    """What names were found to stand for, what ids are called, and what was created on the way."""

    authors: ResolvedAuthors = field(default_factory=ResolvedAuthors)
    series: dict[str, int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    author_names: dict[int, str] = field(default_factory=dict)
    series_names: dict[int, str] = field(default_factory=dict)
    slugs: dict[int, str] = field(default_factory=dict)
    created: list[tuple[str, int]] = field(default_factory=list)


class NameResolver:
    """Resolves the names of a batch."""

    def __init__(self, authors: AuthorResolver, series: SeriesResolver, categories: CategoryResolver) -> None:
        self._authors = authors
        self._series = series
        self._categories = categories

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(
            AuthorResolver.build(session, locks_names=False),
            SeriesResolver.build(session),
            CategoryResolver.build(session),
        )

    async def resolve(self, values: Iterable[dict[str, Any]], names: Names) -> None:
        """Find or create every author, series and category that the values name.

        `names` knows whom the books of the batch credit already.
        """
        people: dict[str, None] = {}
        series: dict[str, None] = {}
        categories: dict[str, None] = {}
        for each in values:
            people.update((name, None) for name, _ in each.get("contributors") or ())
            if each.get("series"):
                series[each["series"]] = None
            categories.update((name, None) for name in each.get("categories") or ())
        if people:
            names.authors = await self._authors.resolve(people, credited=names.author_names.keys())
            names.author_names |= names.authors.printed
            names.created += [("author", one) for one in names.authors.created]
        if series:
            found = await self._series.resolve(series)
            names.series |= {name: one.id for name, one in found.by_name.items()}
            names.series_names |= {one.id: one.printed for one in found.by_name.values()}
            names.created += [("series", one) for one in found.created]
        if categories:
            placed = await self._categories.resolve(categories)
            names.categories |= placed.by_name
            names.slugs |= placed.slugs
            names.created += [("category", one) for one in placed.created]
