"""`/items/{item_id}/pictures`, `/books/{book_id}/cover`, `/uploads`, and `/media/covers`, where pictures are served."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response

from app.catalog.books.deps import BookServiceDep
from app.catalog.books.errors import BookNotFound
from app.catalog.books.queries import get_book
from app.catalog.books.schemas import BookIn, OwnBook
from app.catalog.goods.errors import ItemNotFound, NotYourItem
from app.catalog.goods.pictures import PICTURE_PATH
from app.catalog.goods.schemas import OwnItem
from app.catalog.items.deps import ItemServiceDep
from app.catalog.items.queries import get_item
from app.catalog.items.schemas import ItemIn
from app.catalog.pictures.deps import (
    CoverEditingDep,
    Editing,
    EditingDep,
    PictureNumber,
    PicturesDep,
    PictureServiceDep,
    StorageDep,
    UploadsDep,
)
from app.catalog.pictures.errors import (
    AnimatedPicture,
    BrokenPicture,
    CoverNotFound,
    FetchBlocked,
    PictureFetchNotFound,
    PictureGap,
    PictureNotFound,
    PicturesBusy,
    PictureTooDetailed,
    UnknownUpload,
    UnsupportedPicture,
)
from app.catalog.pictures.forms import (
    ALL_FILES,
    ONE_FILE,
    PICTURE_FORM,
    UPLOADS_FORM,
    FormRoute,
    is_json,
    one_file,
    read_listing,
    read_reference,
    several_files,
)
from app.catalog.pictures.queries import get_fetch
from app.catalog.pictures.schemas import PictureFetchOut, UploadsOut
from app.catalog.pictures.service import PictureService, Place, checked_address, cover_of
from app.catalog.pictures.store import PictureStore, read_picture
from app.core.http.conditional import PreconditionDep, matches_any
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.openapi import NOT_MODIFIED
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBack, ReadBackDep
from app.core.http.schemas import RowId
from app.core.http.uploads import NotAnUpload, UploadInterrupted, UploadTooLarge
from app.core.rate_limit import caller_of, rate_limited
from app.identity.authentication.deps import Seller

router = APIRouter(tags=["pictures"], route_class=IdempotentRoute)
listings = APIRouter(route_class=FormRoute)
"""Listing something with its pictures, at the address where JSON lists it without; before those in the order of routes."""

_PICTURE_OF_ITEM = "/api/v1/items/{item_id}/pictures/{n}"
_EDITING = (BookNotFound, NotYourItem)
_FORM = (NotAnUpload, UploadInterrupted)
_PICTURE = (
    UnsupportedPicture,
    BrokenPicture,
    PictureTooDetailed,
    AnimatedPicture,
    UploadTooLarge,
    PicturesBusy,
)
_WANTED: dict[int | str, dict[str, Any]] = {
    202: {"model": PictureFetchOut, "description": "The worker fetches it from `url`; see how that stands."}
}
_WEBP = {"image/webp": {"schema": {"type": "string", "format": "binary"}}}
_FileName = Annotated[str, Path(description="As `urls` of a cover or a picture names it.")]
_FOREVER = "public, max-age=31536000, immutable"


@listings.post(
    "/api/v1/items",
    status_code=201,
    include_in_schema=False,
    max_body_size=ALL_FILES,
    dependencies=[Depends(rate_limited("upload", caller_of)), IDEMPOTENT],
)
async def create_item_with_pictures(
    request: Request, seller: Seller, store: PicturesDep, items: ItemServiceDep, read_back: ReadBackDep
) -> Response:
    """As `create_item`, from a form: `data` is the JSON, `pictures` are files, the main one first."""
    item, pictures = await read_listing(request, ItemIn, store)
    item_id = await items.create(seller, item, pictures)
    read = partial(get_item, item_id=item_id, viewer=seller)
    return await read_back(read, status=201, location=f"/api/v1/items/{item_id}")


@listings.post(
    "/api/v1/books",
    status_code=201,
    include_in_schema=False,
    max_body_size=ALL_FILES,
    dependencies=[Depends(rate_limited("upload", caller_of)), IDEMPOTENT],
)
async def create_book_with_pictures(
    request: Request, seller: Seller, store: PicturesDep, books: BookServiceDep, read_back: ReadBackDep
) -> Response:
    """As `create_book`, from a form: `data` is the JSON, `pictures` are files, the cover first."""
    book, pictures = await read_listing(request, BookIn, store)
    book_id = await books.create(seller, book, pictures)
    read = partial(get_book, book_id=book_id, viewer=seller)
    return await read_back(read, status=201, location=f"/api/v1/books/{book_id}")


@router.put(
    _PICTURE_OF_ITEM,
    summary="Set one of an item's pictures",
    response_model=OwnItem,
    responses={
        **_WANTED,
        **problems(ItemNotFound, NotYourItem, PictureGap, *_FORM, *_PICTURE, UnknownUpload, FetchBlocked),
    },
    openapi_extra=PICTURE_FORM,
    max_body_size=ONE_FILE,
    dependencies=[Depends(rate_limited("upload", caller_of))],
)
async def set_picture(
    request: Request,
    editing: EditingDep,
    store: PicturesDep,
    service: PictureServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Upload a picture, or name one uploaded before or that the item has: that one moves here; or the `url` of one,
    which the worker fetches (202).

    Picture 1 is the main one, a book's cover; an item has up to six. It replaces what was there; the number after
    the last adds one. The picture becomes WebP in three sizes, without metadata. The item's owner or a moderator may.
    """
    fetch_id = await _put(request, editing, store, service)
    if fetch_id is not None:
        return await _answer_fetch(read_back, editing, fetch_id)
    return await read_back(partial(get_item, item_id=editing.place.item_id, viewer=editing.editor))


@router.delete(
    _PICTURE_OF_ITEM,
    status_code=204,
    summary="Take one of an item's pictures away",
    responses=problems(ItemNotFound, NotYourItem, PictureNotFound),
)
async def delete_picture(
    item_id: RowId,
    n: PictureNumber,
    editor: Seller,
    precondition: PreconditionDep,
    service: PictureServiceDep,
) -> None:
    """Take the picture away; those after it move up. The file itself is gone some two days later.

    The item's owner or a moderator may.
    """
    await service.delete(editor, Place(item_id, n), precondition)


@router.put(
    "/api/v1/books/{book_id}/cover",
    summary="Set a book's cover",
    response_model=OwnBook,
    responses={**_WANTED, **problems(*_EDITING, *_FORM, *_PICTURE, UnknownUpload, FetchBlocked)},
    openapi_extra=PICTURE_FORM,
    max_body_size=ONE_FILE,
    dependencies=[Depends(rate_limited("upload", caller_of))],
)
async def set_cover(
    request: Request,
    book_id: RowId,
    editing: CoverEditingDep,
    store: PicturesDep,
    service: PictureServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Upload a picture, name one uploaded before, or the `url` of one, which the worker fetches (202). It becomes WebP
    in three sizes, without metadata.

    As picture 1 of `/items/{item_id}/pictures`. The book's owner or a moderator may.
    """
    fetch_id = await _put(request, editing, store, service)
    if fetch_id is not None:
        return await _answer_fetch(read_back, editing, fetch_id)
    return await read_back(partial(get_book, book_id=book_id, viewer=editing.editor))


async def _put(
    request: Request, editing: Editing, store: PictureStore, service: PictureService
) -> int | None:
    """Put the picture in its place; the fetch's id where one is wanted from an address."""
    if is_json(request):
        reference = await read_reference(request)
        if reference.url is not None:
            url = checked_address(request.app.state.outbound, reference.url)
            return await service.want(editing.editor, editing.place, editing.precondition, url)
        name = reference.upload or ""
        own = [one for one in editing.present if one["name"] == name]
        picture = own[0] if own else await store.find_upload(name)
    else:
        async with one_file(request) as file:
            picture = await store.add(file)
    await service.put(editing.editor, editing.place, editing.precondition, picture)
    return None


async def _answer_fetch(read_back: ReadBack, editing: Editing, fetch_id: int) -> Response:
    item_id = editing.place.item_id
    read = partial(get_fetch, item_id=item_id, fetch_id=fetch_id, editor=editing.editor)
    return await read_back(read, status=202, location=f"/api/v1/items/{item_id}/picture-fetches/{fetch_id}")


@router.get(
    "/api/v1/items/{item_id}/picture-fetches/{fetch_id}",
    summary="See how the fetch of a picture stands",
    response_model=PictureFetchOut,
    responses=problems(PictureFetchNotFound),
)
async def get_picture_fetch(item_id: RowId, fetch_id: RowId, editor: Seller, hot: HotDep) -> Response:
    """A picture that is fetched from an address: pending, done, or failed and why. Kept 30 days.

    The item's owner or a moderator may see it.
    """
    return await hot.answer_private(partial(get_fetch, item_id=item_id, fetch_id=fetch_id, editor=editor))


@router.delete(
    "/api/v1/books/{book_id}/cover",
    status_code=204,
    summary="Take a book's cover away",
    responses=problems(*_EDITING),
)
async def delete_cover(
    book_id: RowId, editor: Seller, precondition: PreconditionDep, service: PictureServiceDep
) -> None:
    """Take the main picture away; one that follows it becomes the cover. The file itself is gone some two days later.

    The book's owner or a moderator may.
    """
    await service.delete(editor, cover_of(book_id), precondition)


@router.post(
    "/api/v1/uploads",
    summary="Upload several pictures",
    responses=problems(*_FORM),
    openapi_extra=UPLOADS_FORM,
    max_body_size=ALL_FILES,
    dependencies=[Depends(rate_limited("upload", caller_of)), IDEMPOTENT],
)
async def upload_pictures(request: Request, editor: Seller, uploads: UploadsDep) -> UploadsOut:
    """Up to 20 pictures, at most 64 MiB together; each is stored or refused on its own, and listed in the answer.

    With `attach=isbn` each becomes the cover of the book whose ISBN its file is named after, if the
    caller may edit that book. Otherwise name it at `PUT /books/{book_id}/cover` or `PUT /items/{item_id}/pictures/{n}` within a day; what no
    item uses is deleted after two.
    """
    async with several_files(request) as (files, attach):
        return await uploads.take(editor, files, attach)


@router.get(
    PICTURE_PATH + "/{file}",
    summary="Get a picture",
    response_class=Response,
    responses={
        200: {"content": _WEBP, "description": "The picture."},
        **NOT_MODIFIED,
        **problems(CoverNotFound),
    },
)
async def get_cover(request: Request, file: _FileName, storage: StorageDep) -> Response:
    """One size of a picture, as WebP. An address never serves another picture: keep it for ever."""
    etag = f'"{file}"'
    headers = {
        "Cache-Control": _FOREVER,
        "ETag": etag,
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    content = await read_picture(storage, file)
    if matches_any(etag.encode(), request.headers.get("if-none-match", "").encode()):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="image/webp", headers=headers)
