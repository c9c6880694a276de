"""Moves contributions, works and names from one author to another, and back."""

from app.catalog.authors.schemas import MOST_ALIASES
from app.catalog.merges.contributions import Contribution, Dropped, Plan, plan_merge, plan_undo
from app.catalog.merges.errors import TooManyAliases
from app.catalog.merges.repository import AuthorMergeRepository
from app.catalog.merges.schemas import MergeUndone
from app.catalog.models import Author, Merge, MergeKind


class AuthorMergeHandler:
    """Merges authors whose rows and books are locked.

    Versions rise beyond those of the author whose place is taken, so that the sum of versions
    in a book's tag never comes back to what it was for another text. Where a name less or more
    would lower the sum, the book's own version rises. Nothing adds up: merges that are done and
    undone again and again make versions grow by one or two.
    """

    def __init__(self, authors: AuthorMergeRepository) -> None:
        self._authors = authors

    async def merge(self, source: Author, target: Author, merged_by: int) -> Merge:
        """Re-point contributions and works; the source's names become aliases. Raises TooManyAliases."""
        names = _new_names(source, target)
        await self._authors.defer_documents()
        plan = plan_merge(
            await self._authors.list_shared(source.id, target.id), source_id=source.id, target_id=target.id
        )
        await self._authors.drop(plan.dropped)
        await self._authors.give(plan.moved, target.id)
        works = await self._authors.give_works(source.id, target.id)
        beyond = max(source.version, target.version) + 1
        await self._authors.set_merged(target, None, beyond, [*target.aliases, *names])
        await self._authors.set_merged(source, target.id, source.version + 1, source.aliases)
        await self._authors.refresh_documents(target.id)
        return Merge(
            kind=MergeKind.AUTHOR,
            source_id=source.id,
            source_name=source.name,
            target_id=target.id,
            target_name=target.name,
            moved=_count(plan, works, names),
            record={"moved": plan.moved, "dropped": plan.dropped, "works": works, "aliases": names},
            merged_by=merged_by,
        )

    async def undo(self, source: Author, target: Author, merge: Merge) -> MergeUndone:
        """Give back contributions, works and names that stand as the merge left them."""
        await self._authors.defer_documents()
        moved = [Contribution(*one) for one in merge.record["moved"]]
        dropped = [Dropped(*one) for one in merge.record["dropped"]]
        books = {one.book_id for one in moved} | {one.book_id for one in dropped}
        plan = plan_undo(moved, dropped, await self._authors.list_of_books(books), target.id)
        await self._authors.give(plan.moved, source.id)
        await self._authors.put_back(plan.dropped)
        works = await self._authors.give_works(target.id, source.id, merge.record["works"])
        names = [name for name in target.aliases if name in merge.record["aliases"]]
        beyond = max(source.version, target.version) + 1
        kept = [name for name in target.aliases if name not in names]
        await self._authors.set_merged(source, None, beyond, source.aliases)
        await self._authors.set_merged(target, None, target.version + 1, kept)
        await self._authors.refresh_documents(source.id, target.id)
        left = sorted({one.book_id for one in plan.left})
        return MergeUndone.of(merge, restored=_count(plan, works, names), left=left)


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


def _count(plan: Plan, works: list[int], names: list[str]) -> dict[str, int]:
    return {
        "contributions": len(plan.moved),
        "dropped": len(plan.dropped),
        "works": len(works),
        "aliases": len(names),
    }
