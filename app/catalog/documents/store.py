"""Documents in the store of files: put there, and purged when no row names them."""

import re
import secrets
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import BinaryIO

from app.catalog.documents.errors import DocumentNotFound
from app.catalog.documents.schemas import ENDINGS, FILE_PATTERN, DocumentKind
from app.core.clock import utc_now
from app.core.storage.storage import FileMissing, Storage

FOLDER = "documents"
UNUSED_FOR = timedelta(hours=48)
"""How old a file is that the purge takes, if no document has it: one that is new may be about to get its row."""
_PURGED_AT_ONCE = 5_000
_FILE = re.compile(FILE_PATTERN)

FindUsed = Callable[[Collection[str]], Awaitable[set[str]]]
"""Which of these files documents have."""


async def store_document(storage: Storage, file: BinaryIO, kind: DocumentKind) -> str:
    """Store the file under a name that nobody can guess; the name."""
    name = f"{secrets.token_hex(20)}.{ENDINGS[kind]}"
    file.seek(0)
    await storage.put(f"{FOLDER}/{name}", file.read())
    return name


async def read_document(storage: Storage, file: str) -> bytes:
    """The bytes of the document. Raises DocumentNotFound."""
    try:
        return await storage.read(f"{FOLDER}/{file}")
    except FileMissing:
        raise DocumentNotFound("There is no document of this name.") from None


async def purge_documents(storage: Storage, find_used: FindUsed) -> int:
    """Delete the files that no document has; how many there were."""
    count, before = 0, utc_now() - UNUSED_FOR
    old: set[str] = set()
    async for file in storage.list(FOLDER):
        name = file.name.rpartition("/")[2]
        if file.modified_at < before and _FILE.fullmatch(name):
            old.add(name)
        if len(old) >= _PURGED_AT_ONCE:
            count += await _purge(storage, old, find_used)
            old = set()
    return count + await _purge(storage, old, find_used)


async def _purge(storage: Storage, old: set[str], find_used: FindUsed) -> int:
    unused = sorted(old - await find_used(old)) if old else []
    await storage.delete([f"{FOLDER}/{name}" for name in unused])
    return len(unused)
