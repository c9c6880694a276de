"""Ending what runs in the background."""

import asyncio
from collections.abc import Collection

_AGAIN_AFTER = 0.1


async def end_tasks(tasks: Collection["asyncio.Task[None]"]) -> None:
    """Cancel the tasks, and wait until they have ended; what they raise is theirs."""
    # More than once: a cancellation that meets redis-py's own read timeout is lost in it.
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=_AGAIN_AFTER)
