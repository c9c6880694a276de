"""Documents in the store of files: put there, and purged when no row names them."""

import re
import secrets
from datetime import timedelta
from typing import BinaryIO

from app.catalog.documents.errors import DocumentNotFound
from app.catalog.documents.schemas import ENDINGS, FILE_PATTERN, DocumentKind
from app.core.storage.storage import FileMissing, Storage

FOLDER = "documents"
UNUSED_FOR = timedelta(hours=48)
"""How old a file is that the purge takes, if no document has it: one that is new may be about to get its row."""
FILE = re.compile(f"{FOLDER}/({FILE_PATTERN})")
"""The path of a document's file, which is its own."""


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
