"""The relay with servers that go away, several workers, and events that nobody can handle."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import pytest

from app import worker
from app.core.events.events import Event
from app.identity.events import PasswordChanged
from devstack import Servers
from tests.conftest import SignUp

from .conftest import Ask, Change, Publish, RunningWorker, all_done, until
from .post_office import PostOffice


@dataclass(frozen=True, slots=True)
class Malformed(Event):
    type: ClassVar[str] = "user.password_changed"
    nonsense: int


@dataclass(frozen=True, slots=True)
class OfTheNextRelease(Event):
    type: ClassVar[str] = "user.password_changed"
    user_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class NobodyCares(Event):
    type: ClassVar[str] = "test.nobody_cares"


async def test_a_commit_wakes_the_relay(
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    running_worker: RunningWorker,
    post_office: PostOffice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "POLL_EVERY", 3600)
    user = await live_sign_up()
    async with running_worker():
        for number in range(1, 6):
            await tell(PasswordChanged(user.id))
            await post_office.receives(number)
        await all_done(ask)


async def test_an_event_of_the_next_release_that_says_more_is_delivered(
    live_sign_up: SignUp, tell: Publish, ask: Ask, running_worker: RunningWorker, post_office: PostOffice
) -> None:
    user = await live_sign_up()
    async with running_worker():
        await tell(OfTheNextRelease(user.id, "forgotten"))
        await post_office.receives()
        await all_done(ask)


async def test_several_workers_share_the_work_and_mail_once(
    live_sign_up: SignUp, tell: Publish, ask: Ask, running_worker: RunningWorker, post_office: PostOffice
) -> None:
    users = [await live_sign_up() for _ in range(20)]
    async with running_worker(), running_worker():
        for user in users:
            await tell(PasswordChanged(user.id))
        await all_done(ask)
    assert sorted(message["To"] for message in post_office.messages) == sorted(
        f"{user.username}@example.com" for user in users
    )


async def test_without_redis_events_wait_and_the_worker_recovers_by_itself(
    servers: Servers,
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    running_worker: RunningWorker,
    post_office: PostOffice,
) -> None:
    user = await live_sign_up()
    async with running_worker():
        await tell(PasswordChanged(user.id))
        await post_office.receives()
        servers.redis.stop()
        try:
            await tell(PasswordChanged(user.id))
            await asyncio.sleep(1.5)
            assert len(post_office.messages) == 1
        finally:
            servers.redis.start()
        await post_office.receives(2, within=30)
        await all_done(ask)
    assert len(post_office.messages) == 2


async def test_what_redis_forgets_is_handed_out_again(
    servers: Servers,
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    running_worker: RunningWorker,
    post_office: PostOffice,
) -> None:
    user = await live_sign_up()
    async with running_worker():
        await tell(PasswordChanged(user.id))
        await post_office.receives()
        # The throw-away server keeps nothing: stream, group and what was in them are gone.
        servers.redis.stop()
        servers.redis.start()
        await tell(PasswordChanged(user.id))
        await post_office.receives(2, within=30)
        await all_done(ask)


async def test_without_postgresql_the_worker_waits_and_goes_on(
    servers: Servers,
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    running_worker: RunningWorker,
    post_office: PostOffice,
) -> None:
    user = await live_sign_up()
    async with running_worker():
        await tell(PasswordChanged(user.id))
        await post_office.receives()
        await all_done(ask)
        servers.postgres.stop(immediate=True)
        await asyncio.sleep(1.5)
        servers.postgres.start()
        await tell(PasswordChanged(user.id))
        await post_office.receives(2, within=30)
        await all_done(ask)


async def test_an_event_that_always_fails_becomes_a_dead_letter_and_blocks_nobody(
    live_sign_up: SignUp, tell: Publish, ask: Ask, running_worker: RunningWorker, post_office: PostOffice
) -> None:
    user = await live_sign_up()
    poison = await tell(Malformed(1))
    async with running_worker():
        await tell(PasswordChanged(user.id))
        await post_office.receives(within=5)
        await all_done(ask, within=20)
    assert await ask("SELECT id FROM dead_letters") == poison
    assert "user_id" in await ask("SELECT error FROM dead_letters")


async def test_an_event_without_handlers_is_done_at_once(
    tell: Publish, ask: Ask, running_worker: RunningWorker
) -> None:
    event_id = await tell(NobodyCares())
    async with running_worker():
        await all_done(ask)
    assert await ask("SELECT attempts FROM outbox_events WHERE id = :id", id=event_id) == 1


async def test_a_worker_that_was_frozen_can_neither_finish_nor_send(
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    change: Change,
    running_worker: RunningWorker,
    post_office: PostOffice,
) -> None:
    user = await live_sign_up()
    post_office.stalls = True
    async with running_worker():
        await tell(PasswordChanged(user.id))
        async with asyncio.timeout(10):
            await post_office.stalled.wait()
        # As if the lease had run out and another worker had begun.
        await change("UPDATE outbox_events SET attempts = attempts + 1 WHERE type = 'mail.queued'")
        post_office.stalls = False
        post_office.released.set()

        async def is_sent_by_a_later_attempt() -> object:
            return post_office.messages

        await until(is_sent_by_a_later_attempt, within=20)
        await all_done(ask)
    assert len(post_office.messages) == 1
