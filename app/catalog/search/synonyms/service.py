"""Editing and reading synonyms. Searches read the rules anew each time, so that a change counts at once."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.models import Synonym
from app.catalog.search.errors import InvalidSynonym, SynonymNotFound
from app.catalog.search.synonyms.repository import SynonymRepository, find_synonym, list_synonyms
from app.catalog.search.synonyms.schemas import SynonymFilter, SynonymIn, SynonymOut, SynonymPatch
from app.core.audit import differences, record_audit, record_edit
from app.core.db.paging import Pager
from app.core.http.conditional import Precondition, version_etag
from app.core.http.responses import ReadResult


class SynonymService:
    """Edits synonyms."""

    def __init__(self, session: AsyncSession, synonyms: SynonymRepository) -> None:
        self._session = session
        self._synonyms = synonyms

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(session, SynonymRepository(session))

    async def create(self, request: SynonymIn) -> int:
        """Add a synonym. InvalidSynonym."""
        synonym = Synonym(terms=request.terms, finds=request.finds)
        await self._check(synonym)
        await self._synonyms.add(synonym)
        await self._synonyms.set_rules(synonym)
        added = {"terms": (None, request.terms), "finds": (None, request.finds)}
        record_audit(self._session, "synonym.created", ("synonym", synonym.id), added)
        return synonym.id

    async def change(self, synonym_id: int, precondition: Precondition, values: dict[str, object]) -> None:
        """Set these fields. SynonymNotFound, StaleVersion, InvalidSynonym."""
        synonym = await self._lock(synonym_id, precondition)
        record_edit(self._session, "synonym.changed", ("synonym", synonym_id), differences(synonym, values))
        for name, value in values.items():
            setattr(synonym, name, value)
        await self._check(synonym)
        await self._synonyms.set_rules(synonym)

    async def delete(self, synonym_id: int, precondition: Precondition) -> None:
        """Delete the synonym. SynonymNotFound, StaleVersion."""
        synonym = await self._lock(synonym_id, precondition)
        gone = {"terms": (synonym.terms, None), "finds": (synonym.finds, None)}
        record_audit(self._session, "synonym.deleted", ("synonym", synonym_id), gone)
        await self._synonyms.delete(synonym)

    async def _lock(self, synonym_id: int, precondition: Precondition) -> Synonym:
        synonym = await self._synonyms.lock(synonym_id)
        if synonym is None:
            raise _no_synonym(synonym_id)
        precondition.check(synonym.version)
        return synonym

    async def _check(self, synonym: Synonym) -> None:
        for field, terms in (("terms", synonym.terms), ("finds", synonym.finds or [])):
            seen: set[str] = set()
            forms = await self._synonyms.list_normal_forms(terms) if terms else []
            for term, form in zip(terms, forms, strict=True):
                if not form:
                    raise _invalid(field, f"{term!r} has no letter or digit")
                if form in seen:
                    raise _invalid(field, f"{term!r} is there already, as far as searches can tell")
                seen.add(form)
        if synonym.finds is None and len(synonym.terms) == 1:
            raise _invalid("finds", "a single term needs something to find")


class SynonymCatalogue:
    """Reads synonyms for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, synonym_id: int) -> ReadResult:
        """One synonym. SynonymNotFound."""
        row = await find_synonym(self._connection, synonym_id)
        if row is None:
            raise _no_synonym(synonym_id)
        synonym = SynonymOut.model_validate(row)
        return ReadResult(synonym, row.snapshot, version_etag(synonym.version))

    async def list(self, query: SynonymFilter, pager: Pager) -> ReadResult:
        """One page of synonyms, the newest first. InvalidCursor."""
        window = pager.window(query)
        found = await list_synonyms(self._connection, window)
        synonyms = [SynonymOut.model_validate(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, synonyms), found.snapshot)


def given(request: SynonymIn | SynonymPatch) -> dict[str, object]:
    """The fields to set: all of a whole synonym, of a patch what was sent."""
    return request.sent() if isinstance(request, SynonymPatch) else request.model_dump()


def _no_synonym(synonym_id: int) -> SynonymNotFound:
    return SynonymNotFound(f"There is no synonym {synonym_id}.")


def _invalid(field: str, message: str) -> InvalidSynonym:
    return InvalidSynonym(
        f"{message}.", errors=[{"field": field, "message": message, "type": InvalidSynonym.code}]
    )
