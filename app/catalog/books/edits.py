"""What an edit sets of a book."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog.books.schemas import ContributorRole
from app.catalog.works.directory import TitlePage

Contributions = Sequence[tuple[int, str]]
"""(author id, role) in printed order."""


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
