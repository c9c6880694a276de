"""`/api/v1/books/{book_id}/cover`, `/api/v1/uploads`, and `/media/covers`, where pictures are served."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from app.catalog.books.errors import BookNotFound
from app.catalog.books.queries import get_book
from app.catalog.books.schemas import COVER_PATH, OwnBook
from app.catalog.covers.deps import CoverServiceDep, EditingDep, PicturesDep, StorageDep, UploadsDep
from app.catalog.covers.errors import (
    AnimatedPicture,
    BrokenPicture,
    CoverNotFound,
    PicturesBusy,
    PictureTooDetailed,
    UnknownUpload,
    UnsupportedPicture,
)
from app.catalog.covers.forms import (
    ALL_FILES,
    COVER_FORM,
    ONE_FILE,
    UPLOADS_FORM,
    is_json,
    one_file,
    read_reference,
    several_files,
)
from app.catalog.covers.pictures import read_picture
from app.catalog.covers.schemas import UploadsOut
from app.catalog.goods.errors import NotYourItem
from app.core.db.transaction import SessionDep
from app.core.http.conditional import PreconditionDep, matches_any
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.openapi import NOT_MODIFIED
from app.core.http.problems import problems
from app.core.http.responses import read_back
from app.core.http.schemas import RowId
from app.core.http.uploads import NotAnUpload, UploadInterrupted, UploadTooLarge
from app.core.rate_limit import caller_of, rate_limited
from app.identity.authentication.deps import Seller

router = APIRouter(tags=["covers"], route_class=IdempotentRoute)

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
_WEBP = {"image/webp": {"schema": {"type": "string", "format": "binary"}}}
_FileName = Annotated[str, Path(description="As `cover.urls` of a book names it.")]
_FOREVER = "public, max-age=31536000, immutable"


@router.put(
    "/api/v1/books/{book_id}/cover",
    summary="Set a book's cover",
    response_model=OwnBook,
    responses=problems(*_EDITING, *_FORM, *_PICTURE, UnknownUpload),
    openapi_extra=COVER_FORM,
    max_body_size=ONE_FILE,
    dependencies=[Depends(rate_limited("upload", caller_of))],
)
async def set_cover(
    request: Request,
    book_id: RowId,
    editing: EditingDep,
    pictures: PicturesDep,
    covers: CoverServiceDep,
    session: SessionDep,
) -> Response:
    """Upload a picture, or name one uploaded before. It becomes WebP in three sizes, without metadata.

    The book's owner or a moderator may.
    """
    if is_json(request):
        stored = await pictures.find_upload((await read_reference(request)).upload)
    else:
        async with one_file(request) as file:
            stored = await pictures.add(file)
    await covers.change(editing.editor, book_id, editing.precondition, stored)
    return await read_back(session, partial(get_book, book_id=book_id, viewer=editing.editor))


@router.delete(
    "/api/v1/books/{book_id}/cover",
    status_code=204,
    summary="Take a book's cover away",
    responses=problems(*_EDITING),
)
async def delete_cover(
    book_id: RowId, editor: Seller, precondition: PreconditionDep, covers: CoverServiceDep
) -> None:
    """Leave the book without a cover. The picture itself is gone some two days later.

    The book's owner or a moderator may.
    """
    await covers.change(editor, book_id, precondition, None)


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
    caller may edit that book. Otherwise name it at `PUT /books/{book_id}/cover` within a day; what no
    book uses is deleted after two.
    """
    async with several_files(request) as (files, attach):
        return await uploads.take(editor, files, attach)


@router.get(
    COVER_PATH + "/{file}",
    summary="Get a picture",
    response_class=Response,
    responses={
        200: {"content": _WEBP, "description": "The picture."},
        **NOT_MODIFIED,
        **problems(CoverNotFound),
    },
)
async def get_cover(request: Request, file: _FileName, storage: StorageDep) -> Response:
    """One size of a cover, as WebP. An address never serves another picture: keep it for ever."""
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
