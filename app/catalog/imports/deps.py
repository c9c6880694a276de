"""What the imports' router asks for."""

from typing import Annotated

from fastapi import Depends

from app.catalog.imports.service import ImportService
from app.core.db.transaction import SessionDep


async def get_import_service(session: SessionDep) -> ImportService:
    """Import jobs, on the request's transaction."""
    return ImportService.build(session)


ImportServiceDep = Annotated[ImportService, Depends(get_import_service, scope="function")]
