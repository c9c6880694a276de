"""The uploaded file as the worker reads it: opened, and read in batches ahead of the database.

The XML library is loaded here, and so by the worker alone.
"""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from app.catalog.formats.detection import open_source
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.onix.reader import OnixSource
from app.catalog.formats.onix.writer import sender_of
from app.catalog.formats.record import Record, Source, SourceFormat, SourceOptions
from app.catalog.models import ImportJob, ImportStock
from app.core.events.events import HandlerContext

BATCH = 2000
"""Rows of one transaction."""

_MOST_BYTES = 8 * 1024 * 1024
"""Of the file, in one batch: three batches are in memory at once."""

_ROWS_PER_YIELD = 20
"""Rows after which the reading thread lets others go on."""

_OBJECTS = 200_000
"""More new objects than are there at once of a few batches; nearly all of them go without being collected."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows, and how many bytes of the file were read up to their end."""

    records: list[Record]
    position: int

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.records[-1].number

    def halves(self) -> tuple["Batch", "Batch"]:
        """The batch as two."""
        middle = len(self.records) // 2
        return replace(self, records=self.records[:middle]), replace(self, records=self.records[middle:])


class BatchReader:
    """The batches after a row; an async iterator, read ahead by one in a thread."""

    def __init__(self, source: Source, after: int) -> None:
        self._source = source
        self._records = (record for record in source if record.number > after)
        self._ahead: asyncio.Task[Batch | None] | None = None
        self._refusal: SourceRefused | None = None

    def __aiter__(self) -> "BatchReader":
        return self

    async def __anext__(self) -> Batch:
        ahead = self._ahead or self._start()
        batch = await ahead
        self._ahead = None
        if batch is None:
            raise StopAsyncIteration
        self._ahead = self._start()
        return batch

    async def close(self) -> None:
        """Wait for the thread, and close the file."""
        if self._ahead is not None:
            with contextlib.suppress(Exception):
                await self._ahead
        self._source.close()

    def _start(self) -> "asyncio.Task[Batch | None]":
        return asyncio.ensure_future(asyncio.to_thread(self._read))

    def _read(self) -> Batch | None:
        if self._refusal is not None:
            raise self._refusal
        records: list[Record] = []
        try:
            most = self._source.position() + _MOST_BYTES
            for record in self._records:
                records.append(record)
                if not len(records) % _ROWS_PER_YIELD:
                    # Another thread that waits for the interpreter would wait for 5 ms, many times a batch.
                    time.sleep(0)
                if len(records) == BATCH or self._source.position() > most:
                    break
        except SourceRefused as refusal:
            # What was read before the damage is a batch of its own.
            self._refusal = refusal
            if not records:
                raise
        return Batch(records, self._source.position()) if records else None


def open_upload(path: Path, options: SourceOptions) -> Source:
    """Open a reader for the file, of whatever kind. Raises SourceRefused when the file as a whole cannot be read."""
    if options.format is SourceFormat.ONIX:
        return OnixSource(path, options)
    return open_source(path, options)


@asynccontextmanager
async def local_upload(
    context: HandlerContext, job: ImportJob
) -> AsyncIterator[Callable[[], Awaitable[Source]]]:
    """Have the job's file at hand; what is given opens it from its beginning, to be closed by whoever reads it.

    Raises FileMissing, and where it is opened SourceRefused.
    """
    settings = context.settings
    options = SourceOptions(
        SourceFormat(job.format),
        settings.currency,
        job.encoding,
        job.delimiter,
        job.mapping,
        country=settings.country,
        region=settings.shop_region or "",
        own_name=sender_of(settings.public_url),
        takes_stock=job.stock == ImportStock.IMPORT,
    )
    async with context.storage.opened.local_file(job.stored_as or "") as path:
        yield partial(asyncio.to_thread, open_upload, path, options)


@contextmanager
def gc_paused() -> Iterator[None]:
    """Collect garbage less often while an import runs; one import at a time.

    Its rows make millions of objects that are soon free without being collected: each collection
    would walk through the whole process for nothing. What is there already is left alone, and what
    is new is looked at less often.
    """
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
