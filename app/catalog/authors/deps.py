"""What the router of authors asks for."""

from typing import Annotated

from fastapi import Depends

from app.catalog.authors.errors import AuthorInUse, AuthorMerged, AuthorNotFound
from app.catalog.authors.service import AuthorService
from app.core.db.transaction import SessionDep
from app.core.errors import refuses


@refuses(AuthorNotFound, AuthorMerged, where=lambda use: use.method != "POST")
@refuses(AuthorInUse, where=lambda use: use.method == "DELETE")
async def get_author_service(session: SessionDep) -> AuthorService:
    """Compose it on the request's transaction."""
    return AuthorService.build(session)


AuthorServiceDep = Annotated[AuthorService, Depends(get_author_service, scope="function")]
