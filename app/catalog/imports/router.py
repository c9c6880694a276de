"""`/api/v1/admin/imports`: books in bulk."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.catalog.formats.errors import SourceRefused
from app.catalog.imports import queries
from app.catalog.imports.errors import (
    ImportFinished,
    ImportNotFound,
    ImportNotRetryable,
    ImportNotRevertible,
)
from app.catalog.imports.schemas import ImportFilter, ImportOut, ImportRowFilter, ImportRowOut
from app.catalog.imports.service import ImportService, export_errors
from app.catalog.imports.upload import FORM, receive_import
from app.core.db.engine import Database
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep, stream_response
from app.core.http.schemas import RowId
from app.core.http.uploads import NotAnUpload, UploadInterrupted, UploadTooLarge
from app.core.rate_limit import caller_of, rate_limited
from app.core.settings.groups import LARGEST_IMPORT
from app.identity.authentication.deps import CATALOG_TRANSFERRER, CatalogTransferrer

router = APIRouter(prefix="/api/v1/admin/imports", tags=["imports"], route_class=IdempotentRoute)

_ACCEPTED = 202
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "CSV.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def get_import_service(session: SessionDep) -> ImportService:
    """Import jobs on the request's transaction."""
    return ImportService.build(session)


ImportServiceDep = Annotated[ImportService, Depends(get_import_service, scope="function")]


@router.post(
    "",
    summary="Import a file of books",
    status_code=_ACCEPTED,
    response_model=ImportOut,
    responses=problems(NotAnUpload, UploadInterrupted, UploadTooLarge, SourceRefused),
    openapi_extra=FORM,
    # The setting decides while the file arrives; this only lifts the limit of other bodies.
    max_body_size=(LARGEST_IMPORT + 1) * 1024 * 1024,
    dependencies=[Depends(rate_limited("upload", caller_of)), IDEMPOTENT],
)
async def create_import(
    importer: CatalogTransferrer, request: Request, imports: ImportServiceDep, read_back: ReadBackDep
) -> Response:
    """Queue a CSV, NDJSON or ONIX 3.0 file; `Location` leads to the job.

    Books are matched by ISBN-13; one without an ISBN by the `shop_item_id` that an export gave it, if the
    title is the same. Only the columns of the file are touched: an absent column leaves a field alone. Of
    several columns for one thing, such as `Author` and `Additional Authors`, the filled ones count, joined
    without repeats. An empty cell empties its field where one column alone has it, under the very name that
    exports give it (`publisher`, `contributors`) or under one of the mapping; any other says nothing, and so
    do those of title, price and quantity. Fields that become empty are told by row (`warnings`) and counted
    (`cleared`); where that is one in more than a tenth of the rows, the import fails before it writes
    anything, unless sent with `allow_clearing=true`. The regular price of a book
    whose price is reduced for a time changes nothing. Imports run one after the
    other. `on_error=abort` writes all rows or none; `dry_run=true` writes nothing and reports what
    would happen, row by row, with the changes of each field. A field that is odd is left as it was, a new book
    goes without, and the row warns and keeps its cells (`warned`, `rows?has_warnings=true`): a price that cannot be
    read or is in another currency than the shop's, a quantity below nothing, a SKU that another item has. A new book
    without a price is not yet for sale. Only what the book is, its identity and its title, must be right, or the
    row fails.

    `cover_url` of CSV and NDJSON names a cover by its address: the worker fetches it afterwards, as
    `PUT /books/{id}/cover {"url"}` would. A row never fails by it: that it is wanted is a note of the row, why it did
    not come a warning. An empty cell, and an address from which the book has its cover, change nothing.

    Of ONIX, the price, the texts and the supplier's availability are taken that hold for a customer of this shop
    today (`SHOP_COUNTRY`, `SHOP_REGION`); `notes` of the row tell which price was taken and why. Stock on hand
    changes the shop's only in its own export, which is known by the sender and the record references, or
    with `stock=import`.
    """
    upload, options = await receive_import(request)
    job_id = await imports.create(importer, options, upload)
    return await read_back(
        partial(queries.get_import, job_id=job_id),
        status=_ACCEPTED,
        location=f"{router.prefix}/{job_id}",
    )


@router.get("", summary="List imports", response_model=Page[ImportOut], dependencies=[CATALOG_TRANSFERRER])
async def list_imports(query: Annotated[ImportFilter, Query()], pager: PagerDep, reads: HotDep) -> Response:
    """A page of all imports of the shop, newest first."""
    return await reads.answer_private(partial(queries.list_imports, query=query, pager=pager))


@router.get(
    "/{import_id}",
    summary="Read an import",
    response_model=ImportOut,
    dependencies=[CATALOG_TRANSFERRER],
    responses=problems(ImportNotFound),
)
async def get_import(import_id: RowId, reads: HotDep) -> Response:
    """How far the import is: state, counts, percent of the file, rows per second."""
    return await reads.answer_private(partial(queries.get_import, job_id=import_id))


@router.get(
    "/{import_id}/rows",
    summary="List the rows of an import",
    response_model=Page[ImportRowOut],
    dependencies=[CATALOG_TRANSFERRER],
    responses=problems(ImportNotFound),
)
async def list_import_rows(
    import_id: RowId, query: Annotated[ImportRowFilter, Query()], pager: PagerDep, reads: HotDep
) -> Response:
    """What became of each row, in the order of the file: `status=failed` with the reasons, `updated` with old and new."""
    return await reads.answer_private(
        partial(queries.list_import_rows, job_id=import_id, query=query, pager=pager)
    )


@router.get(
    "/{import_id}/errors.csv",
    summary="Download the failed rows",
    response_class=StreamingResponse,
    dependencies=[CATALOG_TRANSFERRER, Depends(rate_limited("export", caller_of))],
    responses={**_CSV, **problems(ImportNotFound)},
)
async def export_import_errors(import_id: RowId, request: Request) -> StreamingResponse:
    """The failed rows with their original columns and the column `error`: mend them and send the file again.

    `error` is ignored by the import. Cells that a spreadsheet would run as formulas begin with `'`.
    """
    database: Database = request.app.state.database
    async with database.reading() as connection:
        layout = await queries.get_layout(connection, import_id)
    lines = export_errors(database.reading, import_id, layout)
    return stream_response(lines, "text/csv", f"import-{import_id}-errors.csv")


@router.post(
    "/{import_id}/cancel",
    summary="Cancel an import",
    status_code=_ACCEPTED,
    response_model=ImportOut,
    dependencies=[CATALOG_TRANSFERRER],
    responses=problems(ImportNotFound, ImportFinished),
)
async def cancel_import(import_id: RowId, imports: ImportServiceDep, read_back: ReadBackDep) -> Response:
    """Stop before the next batch of rows. What is written stays; with `on_error=abort` nothing does."""
    await imports.cancel(import_id)
    return await read_back(partial(queries.get_import, job_id=import_id), status=_ACCEPTED)


@router.post(
    "/{import_id}/retry",
    summary="Run an import again",
    status_code=_ACCEPTED,
    response_model=ImportOut,
    dependencies=[CATALOG_TRANSFERRER],
    responses=problems(ImportNotFound, ImportNotRetryable),
)
async def retry_import(import_id: RowId, imports: ImportServiceDep, read_back: ReadBackDep) -> Response:
    """Go on where a failed or cancelled import stopped; of a completed one, try the failed rows again."""
    await imports.retry(import_id)
    return await read_back(partial(queries.get_import, job_id=import_id), status=_ACCEPTED)


@router.post(
    "/{import_id}/revert",
    summary="Revert an import",
    status_code=_ACCEPTED,
    response_model=ImportOut,
    responses=problems(ImportNotFound, ImportNotRevertible),
)
async def revert_import(
    import_id: RowId, staff: CatalogTransferrer, imports: ImportServiceDep, read_back: ReadBackDep
) -> Response:
    """Delete what the import created and restore what it changed, wherever the book is unchanged since.

    The other rows are left alone and counted in `revert.left`; `rows` tells which. Stock goes back
    through the ledger. A deletion by ONIX stays, which is why it takes away only what is sold out. Asked
    again, it tries what was left.
    """
    await imports.revert(staff, import_id)
    return await read_back(partial(queries.get_import, job_id=import_id), status=_ACCEPTED)
