"""Workers in processes of their own, killed with -9 wherever it hurts: nothing lost, nothing mailed twice."""

import asyncio
from collections import Counter
from email.message import EmailMessage

from fastapi import FastAPI
from sqlalchemy import text

from app.identity.events import PasswordChanged
from tests.conftest import SignUp

from .conftest import Ask, Publish, StartWorker, all_done, until
from .post_office import ACCEPTED, PostOffice


async def test_killed_before_the_content_left_the_mail_is_sent_by_the_next(
    live_sign_up: SignUp, tell: Publish, ask: Ask, start_worker: StartWorker, post_office: PostOffice
) -> None:
    user = await live_sign_up()
    post_office.stalls = True
    worker = start_worker(MAIL_TIMEOUT="30")
    await tell(PasswordChanged(user.id))
    async with asyncio.timeout(60):
        await post_office.stalled.wait()
    worker.kill()
    worker.wait()
    post_office.stalls = False
    start_worker()
    await all_done(ask)
    assert len(post_office.messages) == 1
    assert await ask("SELECT count(*) FROM dead_letters") == 0


async def test_killed_after_the_content_left_the_mail_is_not_sent_again_and_not_forgotten(
    live_sign_up: SignUp, tell: Publish, ask: Ask, start_worker: StartWorker, post_office: PostOffice
) -> None:
    user = await live_sign_up()
    thinking = asyncio.Event()

    async def keep_and_think(message: EmailMessage) -> str:
        post_office.messages.append(message)
        thinking.set()
        await asyncio.sleep(60)
        return ACCEPTED

    post_office.answer = keep_and_think
    worker = start_worker(MAIL_TIMEOUT="30")
    await tell(PasswordChanged(user.id))
    async with asyncio.timeout(60):
        await thinking.wait()
    worker.kill()
    worker.wait()
    start_worker(MAIL_TIMEOUT="0.5")

    async def is_dead_letter() -> object:
        return await ask("SELECT error FROM dead_letters WHERE type = 'mail.queued'")

    await until(is_dead_letter, within=90)
    assert "not sent again" in str(await is_dead_letter())
    assert post_office.seen == 1


async def test_killed_in_the_middle_of_a_handler_the_event_is_handled_by_the_next(
    live_app: FastAPI,
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    start_worker: StartWorker,
    post_office: PostOffice,
) -> None:
    user = await live_sign_up()
    worker = start_worker()
    async with live_app.state.database.sessions() as session:
        # The handler's row names the account and so waits for this lock.
        await session.execute(text("SELECT 1 FROM users FOR UPDATE"))
        await tell(PasswordChanged(user.id))

        async def is_waiting() -> object:
            return await ask(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock' AND query LIKE 'INSERT INTO mail_log%'"
            )

        await until(is_waiting)
        worker.kill()
        worker.wait()
        await session.rollback()
    start_worker()
    await all_done(ask)
    assert len(post_office.messages) == 1
    assert await ask("SELECT max(attempts) FROM outbox_events WHERE type = 'user.password_changed'") == 2


async def test_killed_again_and_again_every_mail_arrives_once_or_is_a_dead_letter(
    live_sign_up: SignUp, tell: Publish, ask: Ask, start_worker: StartWorker, post_office: PostOffice
) -> None:
    users = [await live_sign_up() for _ in range(25)]

    async def take_a_moment(_message: EmailMessage) -> str:
        await asyncio.sleep(0.05)
        return ACCEPTED

    post_office.answer = take_a_moment
    for number, user in enumerate(users):
        await tell(PasswordChanged(user.id))
        if number % 5 == 0:
            seen = post_office.seen
            worker = start_worker()
            for _ in range(400):
                if post_office.seen > seen:
                    break
                await asyncio.sleep(0.02)
            worker.kill()
            worker.wait()
    start_worker()
    await all_done(ask, within=60)
    arrived = Counter(message["To"] for message in post_office.messages)
    assert set(arrived.values()) == {1}
    sent = await ask("SELECT count(*) FROM mail_log WHERE state = 'sent'")
    given_up = await ask("SELECT count(*) FROM dead_letters")
    assert sent + given_up == len(users)
    assert len(arrived) >= sent


async def test_a_worker_that_is_told_to_stop_finishes_what_it_does(
    live_sign_up: SignUp, tell: Publish, ask: Ask, start_worker: StartWorker, post_office: PostOffice
) -> None:
    user = await live_sign_up()
    thinking = asyncio.Event()

    async def think(_message: EmailMessage) -> str:
        thinking.set()
        await asyncio.sleep(1)
        return ACCEPTED

    post_office.answer = think
    worker = start_worker()
    await tell(PasswordChanged(user.id))
    async with asyncio.timeout(60):
        await thinking.wait()
    worker.terminate()
    assert await asyncio.to_thread(worker.wait, 20) == 0
    assert await ask("SELECT state FROM mail_log") == "sent"
    assert not await ask("SELECT count(*) FROM outbox_events WHERE done_at IS NULL")
