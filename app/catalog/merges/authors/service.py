"""Moves contributions, works and names from one author to another, and back."""

from collections.abc import Mapping
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.schemas import MOST_ALIASES
from app.catalog.merges.authors.repository import AuthorMoveRepository
from app.catalog.merges.contributions import Contribution, Dropped, plan_merge, plan_undo
from app.catalog.merges.errors import TooManyAliases
from app.catalog.merges.handling import MergeRecord, UndoneMerge
from app.catalog.models import Author


class AuthorMover:
    """Moves what belongs to authors.

    Versions rise beyond those of the author whose place is taken, so that the sum of versions
    in a book's tag never comes back to what it was for another text. Where a name less or more
    would lower the sum, the book's own version rises. Nothing adds up: merges that are done and
    undone again and again make versions grow by one or two.
    """

    def __init__(self, moves: AuthorMoveRepository) -> None:
        self._moves = moves

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The mover on one session."""
        return cls(AuthorMoveRepository(session))

    async def move(self, source: Author, target: Author) -> MergeRecord:
        """Re-point contributions and works; the source's names become aliases of the target. TooManyAliases."""
        aliases = _new_names(source, target)
        await self._moves.defer_documents()
        plan = plan_merge(await self._moves.list_shared(source.id, target.id), source.id, target.id)
        await self._moves.drop(plan.dropped)
        await self._moves.give(plan.moved, target.id)
        works = await self._moves.give_works(source.id, target.id)
        beyond = max(source.version, target.version) + 1
        await self._moves.set_author(target, beyond, aliases=[*target.aliases, *aliases])
        await self._moves.set_author(source, source.version + 1, merged_into_id=target.id)
        await self._moves.refresh_documents(target.id)
        record = {"moved": plan.moved, "dropped": plan.dropped, "works": works, "aliases": aliases}
        counts = {
            "contributions": len(plan.moved),
            "dropped": len(plan.dropped),
            "works": len(works),
            "aliases": len(aliases),
        }
        return MergeRecord(record, counts)

    async def move_back(self, source: Author, target: Author, record: Mapping[str, Any]) -> UndoneMerge:
        """Give back contributions, works and names that stand as the merge left them."""
        await self._moves.defer_documents()
        moved = [Contribution(*one) for one in record["moved"]]
        dropped = [Dropped(*one) for one in record["dropped"]]
        plan = plan_undo(moved, dropped, await self._moves.list_of_books(_books(record)), target.id)
        await self._moves.give(plan.moved, source.id)
        await self._moves.put_back(plan.dropped)
        works = await self._moves.give_works(target.id, source.id, record["works"])
        aliases = [name for name in target.aliases if name not in record["aliases"]]
        removed = len(target.aliases) - len(aliases)
        beyond = max(source.version, target.version) + 1
        await self._moves.set_author(source, beyond, merged_into_id=None)
        await self._moves.set_author(target, target.version + 1, aliases=aliases)
        await self._moves.refresh_documents(source.id, target.id)
        counts = {
            "contributions": len(plan.moved),
            "dropped": len(plan.dropped),
            "works": len(works),
            "aliases": removed,
        }
        return UndoneMerge(counts, sorted({one.book_id for one in plan.left}))

    async def list_works_of_one_title(self, author_id: int) -> list[list[int]]:
        """The author's works that share their title with another one, title by title."""
        return await self._moves.list_works_of_one_title(author_id)


def _new_names(source: Author, target: Author) -> list[str]:
    known = {target.name, *target.aliases}
    names = [name for name in dict.fromkeys([source.name, *source.aliases]) if name not in known]
    count = len(target.aliases) + len(names)
    if count > MOST_ALIASES:
        raise TooManyAliases(
            f"Author {target.id} would have {count} aliases, and {MOST_ALIASES} is the most:"
            f" take {count - MOST_ALIASES} off one of the two first."
        )
    return names


def _books(record: Mapping[str, Any]) -> set[int]:
    return {one[0] for one in (*record["moved"], *record["dropped"])}
