"""Pictures in the store of files: put there, found again, served, and purged when no item uses them.

What is stored is never deleted but by the purge, a day at least after the last moment at which
anybody could begin to use it: so there is nothing for deletes and uploads to race over.
"""

import re
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta

from starlette.datastructures import UploadFile

from app.catalog.goods.pictures import SIZES, StoredPicture, picture_file
from app.catalog.pictures.encoding import PictureEncoder, picture_size
from app.catalog.pictures.errors import CoverNotFound, UnknownUpload
from app.catalog.pictures.schemas import NAME_PATTERN
from app.core.clock import utc_now
from app.core.http.uploads import UploadTooLarge
from app.core.storage.storage import FileMissing, Storage

FOLDER = "covers"
LARGEST_FILE = 10 * 1024 * 1024
USABLE_FOR = timedelta(hours=24)
"""How long after its upload a picture can be given to an item."""
UNUSED_FOR = timedelta(hours=48)
"""How old a file is that the purge takes, if no item uses it."""

_PURGED_AT_ONCE = 5_000
"""Pictures about which one statement asks whether items use them: their names are its parameters."""

_FILE = re.compile(rf"({NAME_PATTERN})-[sml]\.webp")

FindUsed = Callable[[Collection[str]], Awaitable[set[str]]]
"""Which of these pictures items use."""


class PictureStore:
    """Pictures under their names, three files each."""

    def __init__(self, storage: Storage, encoder: PictureEncoder) -> None:
        self._storage = storage
        self._encoder = encoder

    async def add(self, upload: UploadFile) -> StoredPicture:
        """Encode and store an uploaded file. Raises UploadTooLarge, and what `PictureEncoder.encode` raises."""
        if upload.size is None or upload.size > LARGEST_FILE:
            raise UploadTooLarge(f"A picture's file may have {LARGEST_FILE // 1024 // 1024} MiB.")
        picture = await self._encoder.encode(upload.file)
        # The smallest last: where it is, the others are.
        for size in reversed(SIZES):
            await self._storage.put(_path(picture.name, size), picture.files[size])
        return StoredPicture(name=picture.name, width=picture.width, height=picture.height)

    async def find_upload(self, name: str) -> StoredPicture:
        """A picture that was stored within the last day. Raises UnknownUpload."""
        found = await self._storage.find(_path(name, SIZES[0]))
        if found is None or found.modified_at < utc_now() - USABLE_FOR:
            raise UnknownUpload(
                "There is no upload of this name, or it is older than a day; upload it again."
            )
        width, height = picture_size(name)
        return StoredPicture(name=name, width=width, height=height)


async def read_picture(storage: Storage, file: str) -> bytes:
    """The bytes of one size, by the name in its address. Raises CoverNotFound."""
    if _FILE.fullmatch(file) is None:
        raise CoverNotFound("There is no picture of this name.")
    try:
        return await storage.read(f"{FOLDER}/{file}")
    except FileMissing:
        raise CoverNotFound("There is no picture of this name.") from None


async def purge_pictures(storage: Storage, find_used: FindUsed) -> int:
    """Delete the pictures that no item uses and nobody can come to use; how many there were."""
    count, before = 0, utc_now() - UNUSED_FOR
    old: set[str] = set()
    async for file in storage.list(FOLDER):
        name = _FILE.fullmatch(file.name.rpartition("/")[2])
        if name is not None and file.modified_at < before:
            old.add(name[1])
        if len(old) >= _PURGED_AT_ONCE:
            count += await _purge(storage, old, find_used)
            old = set()
    return count + await _purge(storage, old, find_used)


async def _purge(storage: Storage, old: set[str], find_used: FindUsed) -> int:
    unused = old - await find_used(old) if old else set()
    await storage.delete([_path(name, size) for name in sorted(unused) for size in SIZES])
    return len(unused)


def _path(name: str, size: str) -> str:
    return f"{FOLDER}/{picture_file(name, size)}"
