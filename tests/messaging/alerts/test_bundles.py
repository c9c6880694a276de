"""A bundle is back when each of its parts is: one mail, and no more mails than bundles."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.core.events.feed import EventsSequenced
from tests.conftest import Caller
from tests.factories import an_item, an_offer
from tests.messaging.alerts.conftest import BACK, ITEMS, Item, Stock, Waiting, Work
from tests.messaging.alerts.test_back_in_stock import recipients
from tests.worker.conftest import Ask, Change, Publish, StartWorker, all_done, until
from tests.worker.post_office import PostOffice, text_of

FEED = "/api/v1/events"
Come = Callable[[int, int], Awaitable[None]]
Wait = Callable[..., Awaitable[None]]


@pytest.fixture
async def ink(live_client: httpx.AsyncClient, keeper: Caller) -> Item:
    return await an_item(live_client, keeper, "Ink")


@pytest.fixture
async def bundle(live_client: httpx.AsyncClient, keeper: Caller, pen: Item, ink: Item) -> Item:
    """Two pens and an ink, of which there is nothing."""
    return await an_offer(live_client, keeper, (pen, 2), (ink, 1))


@pytest.fixture
def come(stock: Stock, work: Work, pen: Item, ink: Item) -> Come:
    """So many more or fewer pens and inks are on hand, and the worker has told who waits."""

    async def run(pens: int, inks: int) -> None:
        for part, by in ((pen, pens), (ink, inks)):
            if by:
                await stock(part, by)
        await work()

    return run


@pytest.fixture
def wait(live_client: httpx.AsyncClient, waiting: Waiting, bundle: Item, pen: Item) -> Wait:
    """These accounts wait for the bundle, and not for the pen."""

    async def run(*names: str) -> None:
        for name in names:
            headers = (await waiting(name)).headers
            mine = f"{ITEMS}/{pen['id']}/alerts/{BACK}"
            assert (await live_client.delete(mine, headers=headers)).status_code == 204
            answer = await live_client.put(f"{ITEMS}/{bundle['id']}/alerts/{BACK}", headers=headers)
            assert (answer.status_code, answer.json()["title"]) == (200, "Set"), answer.text

    return run


async def test_a_bundle_is_back_when_the_last_part_comes_in(
    live_client: httpx.AsyncClient,
    wait: Wait,
    come: Come,
    bundle: Item,
    keeper: Caller,
    post_office: PostOffice,
) -> None:
    await wait("ada", "bob", "cyd")
    await come(5, 0)
    assert post_office.messages == []
    await come(0, 1)
    [mail] = post_office.messages
    assert mail["To"] == "ada@example.com"
    assert "“Set” can be bought again" in text_of(mail)
    # Five pens are two bundles.
    await come(0, 4)
    assert recipients(post_office) == ["ada", "bob"]
    await come(0, -5)
    await come(0, 5)
    assert recipients(post_office) == ["ada", "bob", "cyd"]
    query = {"subject": f"item:{bundle['id']}", "type": "stock.*"}
    found = (await live_client.get(FEED, params=query, headers=keeper.headers)).json()["items"]
    assert [(one["type"], one["data"]["old_available"], one["data"]["available"]) for one in found] == [
        ("stock.back", 0, 1),
        ("stock.changed", 0, 1),
        ("stock.changed", 1, 2),
        ("stock.out", 2, 0),
        ("stock.changed", 2, 0),
        ("stock.back", 0, 2),
        ("stock.changed", 0, 2),
    ]


async def test_who_waits_for_a_part_and_for_bundles_of_it_hears_of_each(
    live_client: httpx.AsyncClient,
    waiting: Waiting,
    come: Come,
    bundle: Item,
    keeper: Caller,
    post_office: PostOffice,
) -> None:
    pen = {"id": bundle["items"][0]["item_id"]}
    other = await an_offer(live_client, keeper, (pen, 1), name="One pen")
    ada = await waiting("ada")
    for each in (bundle, other):
        path = f"{ITEMS}/{each['id']}/alerts/{BACK}"
        assert (await live_client.put(path, headers=ada.headers)).status_code == 200
    await come(2, 3)
    assert recipients(post_office) == ["ada"] * 3
    for title in ("Pen", "Set", "One pen"):
        assert any(f"“{title}”" in text_of(mail) for mail in post_office.messages)


async def test_told_again_for_the_same_events_nobody_hears_twice(
    wait: Wait, come: Come, work: Work, tell: Publish, ask: Ask, post_office: PostOffice
) -> None:
    await wait("ada", "bob", "cyd")
    await come(4, 9)
    last = await ask("SELECT last FROM feed_head")
    await asyncio.gather(*(tell(EventsSequenced(1, last)) for _ in range(5)))
    await work()
    assert recipients(post_office) == ["ada", "bob"]
    # The pens, the inks, and the bundle.
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'stock.back'") == 3


async def test_a_worker_that_is_killed_while_it_compares_leaves_it_to_the_next(
    wait: Wait, stock: Stock, bundle: Item, ask: Ask, change: Change, start_worker: StartWorker
) -> None:
    await wait("ada", "bob")
    for part, by in zip(bundle["items"], (2, 1), strict=True):
        await stock({"id": part["item_id"]}, by)
    await change(
        "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$"
    )
    await change("CREATE TRIGGER hang BEFORE UPDATE ON bundle_levels FOR EACH ROW EXECUTE FUNCTION hang()")
    worker = start_worker()

    async def is_comparing() -> object:
        return await ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")

    await until(is_comparing)
    worker.kill()
    worker.wait()
    await change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    await change("DROP TRIGGER hang ON bundle_levels")
    start_worker()
    await all_done(ask)

    async def is_told() -> object:
        return await ask("SELECT count(*) FROM mail_log WHERE template = 'back_in_stock'")

    await until(is_told)
    await all_done(ask)
    assert await ask("SELECT string_agg(recipient, ' ') FROM mail_log") == "ada@example.com"
    assert await ask("SELECT available FROM bundle_levels") == 1


async def test_a_part_that_is_on_sale_again_brings_the_bundle_back(
    live_client: httpx.AsyncClient,
    wait: Wait,
    come: Come,
    bundle: Item,
    keeper: Caller,
    post_office: PostOffice,
) -> None:
    await come(2, 2)
    path = f"{ITEMS}/{bundle['items'][1]['item_id']}"
    for is_active in (False, True):
        answer = await live_client.patch(path, json={"is_active": is_active}, headers=keeper.headers)
        assert answer.status_code == 200, answer.text
        await come(0, 0)
        if not is_active:
            await wait("ada")
    assert recipients(post_office) == ["ada"]


async def test_a_bundle_that_is_off_sale_is_not_told(
    wait: Wait, come: Come, change: Change, ask: Ask, post_office: PostOffice
) -> None:
    await wait("ada")
    await change("UPDATE items SET is_active = false WHERE kind = 'bundle'")
    await come(2, 2)
    assert post_office.messages == []
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'stock.back'") == 2
    await change("UPDATE items SET is_active = true WHERE kind = 'bundle'")
    await come(0, 0)
    assert recipients(post_office) == ["ada"]
