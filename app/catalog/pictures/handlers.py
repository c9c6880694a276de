"""The worker's side of pictures by address: fetched outside of any transaction, then treated as an upload."""

from tempfile import TemporaryFile

from app.catalog.goods.errors import NotYourItem
from app.catalog.goods.pictures import StoredPicture
from app.catalog.models import PictureFetch
from app.catalog.pictures.encoding import PictureEncoder
from app.catalog.pictures.errors import FetchBlocked, NotServed, PicturesBusy
from app.catalog.pictures.events import ImportedCoverSettled, PictureWanted
from app.catalog.pictures.repository import FetchRepository
from app.catalog.pictures.service import PictureService, Place
from app.catalog.pictures.store import LARGEST_FILE, PictureStore, too_large
from app.core.errors import AppError
from app.core.events.events import Delivery, HandlerContext, RetryAfter, delivers, publish
from app.core.outbound import Outbound, OutboundBlocked, OutboundFailed

PAUSES = (10.0, 60.0, 600.0)
"""Seconds before the second try and each one after it."""
_BUSY_PAUSE = 5.0
_SUCCESS = 200
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, *range(500, 600)})
_HEADERS = {"Accept": "image/avif,image/webp,image/png,image/jpeg"}
_encoder = PictureEncoder()
"""One for the process: it bounds how many pictures are made at once."""


class _NotNow(Exception):
    """There is no picture this time."""


@delivers(PictureWanted)
async def fetch_picture(context: HandlerContext, event: PictureWanted, delivery: Delivery) -> None:
    """Fetch the picture and put it in its place, or note why that cannot be. Raises RetryAfter."""
    async with context.transaction() as session:
        fetch = await FetchRepository(session).start(event.fetch_id)
    if fetch is None:
        return
    try:
        content = await _get(context.outbound, fetch.url)
        picture = await _store(context, content)
        await _put(context, fetch, picture)
    except PicturesBusy as busy:
        raise RetryAfter(busy.detail, _BUSY_PAUSE) from busy
    except _NotNow as silence:
        if delivery.attempt <= len(PAUSES):
            reason = f"picture {fetch.id}: {silence}"
            raise RetryAfter(reason, PAUSES[delivery.attempt - 1]) from silence
        await _give_up(context, fetch, NotServed(f"{silence}."))
    except AppError as refusal:
        await _give_up(context, fetch, refusal)


async def _get(outbound: Outbound, url: str) -> bytes:
    """What is served there. Raises FetchBlocked, NotServed, UploadTooLarge, and `_NotNow`."""
    try:
        answer = await outbound.get(url, _HEADERS, most=LARGEST_FILE)
    except OutboundBlocked as reason:
        raise FetchBlocked(f"{reason}.") from None
    except OutboundFailed as fault:
        raise _NotNow(str(fault)) from fault
    if answer.status in _WORTH_ANOTHER_TRY:
        raise _NotNow(f"the server answered {answer.status}")
    if answer.status != _SUCCESS:
        raise NotServed(f"the server answered {answer.status}; redirects are not followed.")
    if not answer.is_whole:
        raise too_large()
    return answer.body


async def _store(context: HandlerContext, content: bytes) -> StoredPicture:
    """As an upload, whatever its server calls it. Raises what `PictureEncoder.encode` raises."""
    with TemporaryFile() as file:
        file.write(content)
        return await PictureStore(context.storage.opened, _encoder).make(file)


async def _put(context: HandlerContext, fetch: PictureFetch, picture: StoredPicture) -> None:
    """Put it in its place, with the note that it is there. Raises as `PictureService.put_fetched`, and NotYourItem."""
    async with context.transaction() as session:
        fetches = FetchRepository(session)
        editor = await fetches.find_requester(fetch.requested_by)
        if editor is None:
            raise NotYourItem("The account that asked for it is closed.")
        service = PictureService.build(session, context.settings.currency)
        if await fetches.finish(fetch.id, picture["name"]):
            place = Place(fetch.item_id, fetch.number)
            version = await service.put_fetched(editor, place, fetch.replaces, picture)
            if fetch.import_id is not None and fetch.import_row is not None:
                await publish(session, ImportedCoverSettled(fetch.import_id, fetch.import_row, version))


async def _give_up(context: HandlerContext, fetch: PictureFetch, reason: AppError) -> None:
    async with context.transaction() as session:
        has_ended = await FetchRepository(session).give_up(fetch.id, reason)
        if has_ended and fetch.import_id is not None and fetch.import_row is not None:
            settled = ImportedCoverSettled(
                fetch.import_id, fetch.import_row, code=reason.code, detail=reason.detail
            )
            await publish(session, settled)
