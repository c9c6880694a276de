"""What cover routes ask for: the pictures, and a caller who may edit the book, before any body is read."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from app.catalog.books.errors import BookNotFound
from app.catalog.covers.picture_uploads import PictureUploads
from app.catalog.covers.pictures import PictureStore
from app.catalog.covers.service import CoverService
from app.catalog.goods.errors import NotYourItem
from app.core.db.transaction import SessionDep, transaction
from app.core.errors import StaleVersion, refuses
from app.core.http.conditional import Precondition, PreconditionDep
from app.core.http.schemas import RowId
from app.core.storage.storage import Storage
from app.identity.authentication.deps import Seller
from app.identity.principal import Principal


async def get_storage(request: Request) -> Storage:
    """The store of files, opened at its first use."""
    opened: Storage = request.app.state.storage.opened
    return opened


async def get_pictures(request: Request) -> PictureStore:
    """Pictures in the store of files."""
    return PictureStore(request.app.state.storage.opened, request.app.state.picture_encoder)


async def get_cover_service(request: Request, session: SessionDep) -> CoverService:
    """Covers, on the request's transaction, which begins with the first statement."""
    return CoverService.build(session, request.app.state.settings.currency)


@dataclass(frozen=True, slots=True)
class Editing:
    """Who changes the book, if it still has the version they read."""

    editor: Principal
    precondition: Precondition


@refuses(BookNotFound, NotYourItem, StaleVersion)
async def get_editing(
    request: Request, book_id: RowId, editor: Seller, precondition: PreconditionDep
) -> Editing:
    """Check in a transaction of its own, over before the body comes, that the caller may change the book now.

    Raises BookNotFound, NotYourItem, StaleVersion.
    """
    async with transaction(request.app.state.database, request.app.state.cache) as session:
        covers = CoverService.build(session, request.app.state.settings.currency)
        await covers.check(editor, book_id, precondition)
    return Editing(editor, precondition)


async def get_uploads(
    request: Request, pictures: Annotated[PictureStore, Depends(get_pictures)]
) -> PictureUploads:
    """Several files at once, each in transactions of its own."""
    state = request.app.state
    return PictureUploads(pictures, lambda: transaction(state.database, state.cache), state.settings.currency)


StorageDep = Annotated[Storage, Depends(get_storage)]
PicturesDep = Annotated[PictureStore, Depends(get_pictures)]
CoverServiceDep = Annotated[CoverService, Depends(get_cover_service, scope="function")]
EditingDep = Annotated[Editing, Depends(get_editing)]
UploadsDep = Annotated[PictureUploads, Depends(get_uploads)]
