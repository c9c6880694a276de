"""What an edit sets of a book."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.catalog.books.schemas import BookOut, ContributorIn, ContributorRole
from app.catalog.goods.schemas import split_names
from app.catalog.works.directory import TitlePage
from app.core.audit import Changes

Contributions = Sequence[tuple[int, str]]
"""(author id, role) in printed order."""

_SHOWN_AS = {"author": "contributors", "category_ids": "categories"}


@dataclass(frozen=True, slots=True)
class Edit:
    """The values that are set, and the contributors where they are set at all."""

    values: dict[str, object]
    contributors: Contributions | None
    old_title: str

    def of_title_page(self, new_title: str) -> TitlePage:
        """What the edit does to title and principal author."""
        if self.contributors is None:
            return TitlePage(self.old_title, new_title)
        principal = principal_author(self.contributors)
        return TitlePage(self.old_title, new_title, has_new_author=True, author_id=principal)


def principal_author(contributors: Contributions) -> int | None:
    """The first author, by whom a work is told from its namesakes."""
    return next((author_id for author_id, role in contributors if role == ContributorRole.AUTHOR), None)


def stated_contributors(values: dict[str, object]) -> list[ContributorIn]:
    """The contributors that were sent, or the authors that one line names."""
    listed, author = values.get("contributors"), values.get("author")
    if isinstance(listed, list):
        return listed
    return [ContributorIn(name=name) for name in split_names(author if isinstance(author, str) else "")]


def shown_changes(before: BookOut, after: BookOut, sent: Iterable[str]) -> Changes:
    """What setting these fields changed of the book, as anybody sees it."""
    fields = {_SHOWN_AS.get(name, name) for name in sent}
    old, new = before.model_dump(include=fields), after.model_dump(include=fields)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}
