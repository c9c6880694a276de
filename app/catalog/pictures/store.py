"""Pictures in the store of files: put there, found again, served, and purged when no item uses them.

What is stored is never deleted but by the purge, a day at least after the last moment at which
anybody could begin to use it: so there is nothing for deletes and uploads to race over.
"""

import re
from datetime import timedelta
from typing import BinaryIO

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

FILE = re.compile(rf"{FOLDER}/({NAME_PATTERN})-[sml]\.webp")
"""The path of one size of a picture, and the picture's name."""


class PictureStore:
    """Pictures under their names, three files each."""

    def __init__(self, storage: Storage, encoder: PictureEncoder) -> None:
        self._storage = storage
        self._encoder = encoder

    async def add(self, upload: UploadFile) -> StoredPicture:
        """Encode and store an uploaded file. Raises UploadTooLarge, and what `PictureEncoder.encode` raises."""
        if upload.size is None or upload.size > LARGEST_FILE:
            raise too_large()
        return await self.make(upload.file)

    async def make(self, file: BinaryIO) -> StoredPicture:
        """Encode and store a file of allowed size. Raises what `PictureEncoder.encode` raises."""
        picture = await self._encoder.encode(file)
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


def too_large() -> UploadTooLarge:
    """The refusal of a file that is too large."""
    return UploadTooLarge(f"A picture's file may have {LARGEST_FILE // 1024 // 1024} MiB.")


async def read_picture(storage: Storage, file: str) -> bytes:
    """The bytes of one size, by the name in its address. Raises CoverNotFound."""
    path = f"{FOLDER}/{file}"
    if FILE.fullmatch(path) is None:
        raise CoverNotFound("There is no picture of this name.")
    try:
        return await storage.read(path)
    except FileMissing:
        raise CoverNotFound("There is no picture of this name.") from None


def _path(name: str, size: str) -> str:
    return f"{FOLDER}/{picture_file(name, size)}"
