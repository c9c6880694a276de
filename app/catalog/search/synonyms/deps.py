"""What the router of synonyms asks for."""

from typing import Annotated

from fastapi import Depends

from app.catalog.search.synonyms.errors import InvalidSynonym, SynonymNotFound
from app.catalog.search.synonyms.service import SynonymService
from app.core.db.transaction import SessionDep
from app.core.errors import refuses


@refuses(InvalidSynonym, where=lambda use: use.method != "DELETE")
@refuses(SynonymNotFound, where=lambda use: use.method != "POST")
async def get_synonym_service(session: SessionDep) -> SynonymService:
    """Synonyms on the request's transaction."""
    return SynonymService.build(session)


SynonymServiceDep = Annotated[SynonymService, Depends(get_synonym_service, scope="function")]
