"""Editing synonyms. Searches read the rules anew each time, so that a change counts at once."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Synonym
from app.catalog.search.synonyms.errors import InvalidSynonym, no_synonym
from app.catalog.search.synonyms.repository import SynonymRepository
from app.catalog.search.synonyms.schemas import SynonymIn, SynonymPatch
from app.core.audit import differences, record_audit, record_edit
from app.core.http.conditional import Precondition


class SynonymService:
    """Edits synonyms."""

    def __init__(self, session: AsyncSession, synonyms: SynonymRepository) -> None:
        self._session = session
        self._synonyms = synonyms

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, SynonymRepository(session))

    async def create(self, request: SynonymIn) -> int:
        """Add a synonym. Raises InvalidSynonym."""
        synonym = Synonym(terms=request.terms, finds=request.finds)
        await self._check(synonym)
        await self._synonyms.add(synonym)
        await self._synonyms.set_rules(synonym)
        added = {"terms": (None, request.terms), "finds": (None, request.finds)}
        record_audit(self._session, "synonym.created", ("synonym", synonym.id), added)
        return synonym.id

    async def change(
        self, synonym_id: int, precondition: Precondition, request: SynonymIn | SynonymPatch
    ) -> None:
        """Set all of a whole synonym, of a patch what was sent.

        Raises SynonymNotFound, StaleVersion, InvalidSynonym.
        """
        synonym = await self._lock(synonym_id, precondition)
        is_whole = isinstance(request, SynonymIn)
        terms = request.terms if is_whole or "terms" in request.model_fields_set else synonym.terms
        finds = request.finds if is_whole or "finds" in request.model_fields_set else synonym.finds
        changes = differences(synonym, {"terms": terms, "finds": finds})
        record_edit(self._session, "synonym.changed", ("synonym", synonym_id), changes)
        synonym.terms = terms
        synonym.finds = finds
        await self._check(synonym)
        await self._synonyms.set_rules(synonym)

    async def delete(self, synonym_id: int, precondition: Precondition) -> None:
        """Delete the synonym. Raises SynonymNotFound, StaleVersion."""
        synonym = await self._lock(synonym_id, precondition)
        gone = {"terms": (synonym.terms, None), "finds": (synonym.finds, None)}
        record_audit(self._session, "synonym.deleted", ("synonym", synonym_id), gone)
        await self._synonyms.delete(synonym)

    async def _lock(self, synonym_id: int, precondition: Precondition) -> Synonym:
        synonym = await self._synonyms.lock(synonym_id)
        if synonym is None:
            raise no_synonym(synonym_id)
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


def _invalid(field: str, message: str) -> InvalidSynonym:
    return InvalidSynonym(f"{message}.", errors=InvalidSynonym.about(field, message))
