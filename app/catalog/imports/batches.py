"""Reads a file in batches, the next one while the database works on this one."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from app.catalog.formats.contract import Source
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.record import Record

BATCH = 2000
"""Rows of one transaction."""

MOST_BYTES = 8 * 1024 * 1024
"""Of the file, in one batch: three batches are in memory at once."""

_BREATH = 20
"""Rows after which the reading thread lets others go on."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive rows, and how many bytes of the file were read up to their end."""

    records: list[Record]
    position: int

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.records[-1].number


class Batches:
    """The batches after a row; an async iterator, read ahead by one in a thread."""

    def __init__(self, source: Source, after: int) -> None:
        self._source = source
        self._records = self._beyond(after)
        self._ahead: asyncio.Task[Batch | None] | None = None
        self._refusal: SourceRefused | None = None

    def __aiter__(self) -> "Batches":
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
            most = self._source.position() + MOST_BYTES
            for record in self._records:
                records.append(record)
                if not len(records) % _BREATH:
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

    def _beyond(self, after: int) -> Iterator[Record]:
        return (record for record in self._source if record.number > after)
