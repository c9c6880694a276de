"""Tasks in the background end, whatever becomes of a cancellation."""

import asyncio

from app.core.tasks import end_tasks


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost = []

    async def listen() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost.append("once")
                if len(lost) > 1:
                    raise

    tasks = [asyncio.create_task(listen())]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end_tasks(tasks)
    assert tasks[0].cancelled()
    assert len(lost) == 2


async def test_a_task_that_has_failed_is_over() -> None:
    async def fail() -> None:
        raise ValueError

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    await end_tasks([task])
    assert isinstance(task.exception(), ValueError)
