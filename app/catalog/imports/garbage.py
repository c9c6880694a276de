"""Keeps the garbage collector from walking through the whole process again and again during an import."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_OBJECTS = 50_000
"""As many new objects as a few batches have; nearly all of them are gone without being collected."""


@contextmanager
def gc_paused() -> Iterator[None]:
    """Leave alone what is there already, and look at what is new less often; one import at a time."""
    usual = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.unfreeze()
