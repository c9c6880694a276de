"""Lets works follow their only edition when an import changes its title or principal author."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from app.catalog.imports.apply.image import Image, Stored
from app.catalog.imports.names.repository import NameRepository
from app.catalog.imports.names.service import NamesMoved
from app.catalog.models import ContributorRole

_AUTHOR = ContributorRole.AUTHOR.value


@dataclass(frozen=True, slots=True)
class Edit:
    """A book and what it shall be."""

    stored: Stored
    image: Image
    fields: Sequence[str]

    @property
    def changes_title_page(self) -> bool:
        """Whether the title or the principal author is another one."""
        return self.stored.image.title != self.image.title or (
            principal(self.stored.image) != principal(self.image)
        )


def principal(image: Image) -> int | None:
    """The first contributor that is an author."""
    return next((one for one, role in image.contributors if role == _AUTHOR), None)


class WorkFollower:
    """The rule of `WorkDirectory.follow`, for many editions at a time."""

    def __init__(self, names: NameRepository) -> None:
        self._names = names

    @classmethod
    def build(cls, connection: Any) -> Self:
        """On the driver's connection of a transaction that has begun."""
        return cls(NameRepository(connection))

    async def follow(self, edits: Sequence[Edit]) -> None:
        """A work of one edition takes over its title and author, or gives way to the work that has both."""
        changed = {edit.stored.item_id: edit for edit in edits if edit.changes_title_page}
        if not changed:
            return
        pages = []
        for row in await self._names.lock_single_edition_works(list(changed)):
            page = _title_page(row, changed[row["book_id"]])
            if page != (row["title"], row["author_id"]):
                pages.append((row, *page))
        authored = [(title, author_id) for _, title, author_id in pages if author_id is not None]
        found = await self._names.list_works([one[0] for one in authored], [one[1] for one in authored])
        others = {(row["title"], row["author_id"]): row["id"] for row in found if row["id"] is not None}
        if not await self._names.hold("works", list(set(others.values()))):
            raise NamesMoved("works")
        await self._settle(pages, others)

    async def _settle(
        self, pages: Sequence[tuple[Any, str, int | None]], others: dict[tuple[str, int], int]
    ) -> None:
        renamed, joined = [], []
        for row, title, author_id in pages:
            other = None if author_id is None else others.get((title, author_id))
            if other is None or other == row["id"]:
                renamed.append((row["id"], title, author_id))
                if author_id is not None:
                    # The next edition of this batch with the same title page joins this one.
                    others[title, author_id] = row["id"]
            else:
                joined.append((row["book_id"], other))
        await self._names.rename_works(renamed)
        await self._names.move_editions(joined)


def _title_page(row: Any, edit: Edit) -> tuple[str, int | None]:
    """A title that staff gave the work stays."""
    old, new = edit.stored.image, edit.image
    title = new.title if row["title"] == old.title else row["title"]
    author_id = principal(new) if principal(old) != principal(new) else row["author_id"]
    return title, author_id
