"""Several pictures at once: each is stored or refused on its own, and may become a cover at once."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import UploadFile

from app.catalog.goods.pictures import CoverOut
from app.catalog.pictures.schemas import Attach, UploadProblem, UploadResult, UploadsOut, UploadStatus
from app.catalog.pictures.service import PictureService, cover_of
from app.catalog.pictures.store import PictureStore
from app.core.errors import AppError
from app.core.http.conditional import Precondition
from app.core.http.uploads import plain_name
from app.identity.principal import Principal

LONGEST_NAME = 255


class PictureUploads:
    """Takes files one after the other; no transaction is open while a picture is made."""

    def __init__(
        self,
        pictures: PictureStore,
        transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]],
        currency: str,
    ) -> None:
        self._pictures = pictures
        self._transaction = transaction
        self._currency = currency

    async def take(self, editor: Principal, files: Sequence[UploadFile], attach: Attach) -> UploadsOut:
        """Store each file; with `attach=isbn` make it the cover of the book whose ISBN it is named after."""
        results = [await self._take_one(editor, file, attach) for file in files]
        stored = sum(result.status is UploadStatus.STORED for result in results)
        return UploadsOut(stored=stored, refused=len(results) - stored, results=results)

    async def _take_one(self, editor: Principal, file: UploadFile, attach: Attach) -> UploadResult:
        filename = plain_name(file.filename or "", LONGEST_NAME)
        try:
            return await self._store(editor, file, filename, attach)
        except AppError as refusal:
            problem = UploadProblem(
                status=refusal.status, code=refusal.code, title=refusal.title, detail=refusal.detail
            )
            return UploadResult(filename=filename, status=UploadStatus.REFUSED, problem=problem)

    async def _store(
        self, editor: Principal, file: UploadFile, filename: str, attach: Attach
    ) -> UploadResult:
        book_id = None
        if attach is Attach.ISBN:
            # Before the picture is made: whoever may not change the book shall not make us work.
            async with self._transaction() as session:
                book_id = await PictureService.build(session, self._currency).check_file_name(
                    editor, filename
                )
        stored = await self._pictures.add(file)
        if book_id is not None:
            async with self._transaction() as session:
                service = PictureService.build(session, self._currency)
                await service.put(editor, cover_of(book_id), Precondition(None), stored)
        return UploadResult(
            filename=filename,
            status=UploadStatus.STORED,
            upload=stored["name"],
            cover=CoverOut.model_validate(stored),
            book_id=book_id,
        )
