"""Workers that are killed while they tell alerts: everybody hears once."""

from fastapi import FastAPI

from app.core.db.locks import AdvisoryLock, acquire
from tests.messaging.alerts.conftest import Item, Stock, Waiting
from tests.messaging.alerts.test_back_in_stock import recipients
from tests.worker.conftest import Ask, StartWorker, all_done, until
from tests.worker.post_office import PostOffice


async def test_killed_while_it_tells_a_restock_the_next_tells_all_of_it_once(
    live_app: FastAPI,
    waiting: Waiting,
    stock: Stock,
    pen: Item,
    ask: Ask,
    start_worker: StartWorker,
) -> None:
    for name in ("ada", "bob", "cyd"):
        await waiting(name)
    worker = start_worker()
    async with live_app.state.database.sessions() as session:
        await session.execute(acquire(AdvisoryLock.ALERTS))
        await stock(pen, 2)

        async def is_waiting() -> object:
            return await ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")

        await until(is_waiting)
        worker.kill()
        worker.wait()
        await session.rollback()
    assert await ask("SELECT count(*) FROM item_alerts WHERE state = 'done'") == 0
    start_worker()
    await all_done(ask)
    assert await ask("SELECT max(attempts) FROM outbox_events WHERE type = 'alert.due'") == 2
    assert await ask("SELECT count(*) FROM item_alerts WHERE state = 'done'") == 2
    assert await ask("SELECT string_agg(recipient || state, ' ' ORDER BY recipient) FROM mail_log") == (
        "ada@example.comsent bob@example.comsent"
    )


async def test_a_worker_killed_between_mails_neither_forgets_nor_repeats_one(
    waiting: Waiting, stock: Stock, pen: Item, ask: Ask, start_worker: StartWorker, post_office: PostOffice
) -> None:
    for number in range(6):
        await waiting(f"user{number}")
    post_office.stalls = True
    worker = start_worker(MAIL_TIMEOUT="30")
    await stock(pen, 6)
    await post_office.stalled.wait()
    worker.kill()
    worker.wait()
    post_office.stalls = False
    start_worker()
    await all_done(ask)
    assert recipients(post_office) == [f"user{number}" for number in range(6)]
