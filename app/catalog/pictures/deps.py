"""What routes of pictures ask for: the store, and a caller who may edit the item, before any body is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Request

from app.catalog.books.errors import BookNotFound
from app.catalog.goods.errors import ItemNotFound, NotYourItem
from app.catalog.goods.pictures import MOST_PICTURES, StoredPicture
from app.catalog.pictures.errors import PictureGap
from app.catalog.pictures.service import PictureService, Place, cover_of
from app.catalog.pictures.store import PictureStore
from app.catalog.pictures.uploads import PictureUploads
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


async def get_picture_service(request: Request, session: SessionDep) -> PictureService:
    """Pictures, on the request's transaction, which begins with the first statement."""
    return PictureService.build(session, request.app.state.settings.currency)


@dataclass(frozen=True, slots=True)
class Editing:
    """Who changes which picture of an item, if that still has the version they read."""

    editor: Principal
    place: Place
    precondition: Precondition
    present: Sequence[StoredPicture]
    """The item's pictures when this was asked, for a body that names one of them."""


PictureNumber = Annotated[
    int, Path(ge=1, le=MOST_PICTURES, description="1 is the main picture.", examples=[2])
]


@refuses(ItemNotFound, NotYourItem, StaleVersion, PictureGap)
async def get_editing(
    request: Request, item_id: RowId, n: PictureNumber, editor: Seller, precondition: PreconditionDep
) -> Editing:
    """Check in a transaction of its own, over before the body comes, that the caller may set the picture now.

    Raises ItemNotFound, NotYourItem, StaleVersion, PictureGap.
    """
    return await _check(request, editor, Place(item_id, n), precondition)


@refuses(BookNotFound, NotYourItem, StaleVersion)
async def get_cover_editing(
    request: Request, book_id: RowId, editor: Seller, precondition: PreconditionDep
) -> Editing:
    """The same of a book's cover. Raises BookNotFound, NotYourItem, StaleVersion."""
    return await _check(request, editor, cover_of(book_id), precondition)


async def _check(request: Request, editor: Principal, place: Place, precondition: Precondition) -> Editing:
    async with transaction(request.app.state.database, request.app.state.cache) as session:
        service = PictureService.build(session, request.app.state.settings.currency)
        present = await service.check(editor, place, precondition)
    return Editing(editor, place, precondition, present)


async def get_uploads(
    request: Request, pictures: Annotated[PictureStore, Depends(get_pictures)]
) -> PictureUploads:
    """Several files at once, each in transactions of its own."""
    state = request.app.state
    return PictureUploads(pictures, lambda: transaction(state.database, state.cache), state.settings.currency)


StorageDep = Annotated[Storage, Depends(get_storage)]
PicturesDep = Annotated[PictureStore, Depends(get_pictures)]
PictureServiceDep = Annotated[PictureService, Depends(get_picture_service, scope="function")]
EditingDep = Annotated[Editing, Depends(get_editing)]
CoverEditingDep = Annotated[Editing, Depends(get_cover_editing)]
UploadsDep = Annotated[PictureUploads, Depends(get_uploads)]
