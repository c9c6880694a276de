"""What is new is told to followers once, in one message."""

from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import text

from app.identity.permissions import Role
from tests.catalog.merges.arrange import merge
from tests.conftest import Caller, SignUp
from tests.factories import a_book, an_author, an_item
from tests.messaging.conftest import OpenJob
from tests.messaging.follows.conftest import JOB, Told
from tests.worker.conftest import Ask, Change, StartWorker, until
from tests.worker.post_office import text_of

FOLLOWS = "/api/v1/users/me/follows"
LIST = "/api/v1/users/me/notifications"


async def follow(client: httpx.AsyncClient, owner: Caller, target: str, target_id: int) -> None:
    answer = await client.put(f"{FOLLOWS}/{target}/{target_id}", headers=owner.headers)
    assert answer.status_code == 200, answer.text


async def notifications(client: httpx.AsyncClient, owner: Caller) -> list[dict[str, Any]]:
    answer = await client.get(LIST, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_followers_hear_once_of_what_is_new(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told, ask: Ask
) -> None:
    seller, bob = await live_sign_up(), await live_sign_up()
    moderator = await live_sign_up(Role.MODERATOR)
    # Who follows by three ways, in whose name nothing is told thrice.
    first = await a_book(live_client, seller, "The Dispossessed", author="Le Guin", series="Hainish Cycle")
    author = first["contributors"][0]["author_id"]
    assert await told() == []
    await follow(live_client, bob, "authors", author)
    await follow(live_client, bob, "series", first["series_id"])
    await follow(live_client, bob, "sellers", seller.id)
    await follow(live_client, seller, "sellers", seller.id)
    assert await told() == []
    book = await a_book(
        live_client,
        seller,
        "Rocannon's <b>World</b> at evil.example",
        author="Le Guin",
        series="Hainish Cycle",
    )
    [mail] = await told()
    assert mail["To"] == f"{bob.username}@example.com"
    assert "Rocannon's <b>World</b> at evil.\u200bexample (Le Guin)" in text_of(mail)
    assert "Dispossessed" not in text_of(mail)
    assert "<b>World" not in text_of(mail, "html")
    [one] = await notifications(live_client, bob)
    assert (one["kind"], one["category"], one["subject"]) == ("followed_items", "news", f"item:{book['id']}")
    assert one["text"] == "Rocannon's <b>World</b> at evil.example"
    assert await notifications(live_client, seller) == []
    # Off sale and on again is nothing new.
    for is_active in ("false", "true"):
        patch = {"is_active": is_active == "true"}
        answer = await live_client.patch(f"/api/v1/books/{book['id']}", json=patch, headers=moderator.headers)
        assert answer.status_code == 200, answer.text
    assert await told() == [mail]
    assert len(await notifications(live_client, bob)) == 1
    assert await ask("SELECT count(*) FROM new_items WHERE told_at IS NULL") == 0


async def test_what_was_there_when_somebody_began_to_follow_is_nothing_new(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told
) -> None:
    seller, bob = await live_sign_up(), await live_sign_up()
    there = await a_book(live_client, seller, "There before", author="Le Guin", series="Hainish Cycle")
    for target, target_id in (
        ("sellers", seller.id),
        ("series", there["series_id"]),
        ("authors", there["contributors"][0]["author_id"]),
    ):
        await follow(live_client, bob, target, target_id)
    await a_book(live_client, seller, "New since", author="Le Guin", series="Hainish Cycle")
    [mail] = await told()
    assert "New since" in text_of(mail)
    assert "There before" not in text_of(mail)


async def test_a_thousand_new_books_are_one_message(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told
) -> None:
    seller, bob = await live_sign_up(), await live_sign_up()
    await follow(live_client, bob, "sellers", seller.id)
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO items (kind, title, price, currency, owner_id)"
                " SELECT 'stationery', 'Pen ' || lpad(n::text, 4, '0'), 1, 'EUR', :seller"
                " FROM generate_series(1, 2500) AS n"
            ),
            {"seller": seller.id},
        )
    [mail] = await told()
    assert "Pen 0001" in text_of(mail)
    assert "Pen 0010" in text_of(mail)
    assert "Pen 0011" not in text_of(mail)
    assert "and 2490 more" in text_of(mail)
    [one] = await notifications(live_client, bob)
    assert (one["text"], one["subject"]) == ("Pen 0001; Pen 0002; Pen 0003 … (+2497)", None)


async def test_followers_of_a_merged_author_hear_of_the_other_one(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told
) -> None:
    seller, bob = await live_sign_up(), await live_sign_up()
    moderator = await live_sign_up(Role.MODERATOR)
    one = await an_author(live_client, moderator, "U. K. Le Guin")
    other = await an_author(live_client, moderator, "Ursula K. Le Guin")
    await follow(live_client, bob, "authors", one["id"])
    await merge(live_client, moderator, "author", one["id"], other["id"])
    await a_book(live_client, seller, "Orsinian Tales", author="Ursula K. Le Guin")
    [mail] = await told()
    assert "Orsinian Tales" in text_of(mail)


async def test_each_channel_is_as_it_was_chosen_for_news(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told, change: Change
) -> None:
    seller, quiet, silent, gone = [await live_sign_up() for _ in range(4)]
    for follower in (quiet, silent, gone):
        await follow(live_client, follower, "sellers", seller.id)
    choices = [(quiet, {"mail": False}), (silent, {"mail": False, "in_app": False})]
    for follower, news in choices:
        answer = await live_client.put(
            "/api/v1/users/me/notification-preferences",
            json={"choices": {"news": news}},
            headers=follower.headers,
        )
        assert answer.status_code == 200
    await change(f"UPDATE users SET is_active = false WHERE id = {gone.id}")  # noqa: S608 (a number)
    await an_item(live_client, seller, "鉛筆 ✏️")
    assert await told() == []
    assert [one["text"] for one in await notifications(live_client, quiet)] == ["鉛筆 ✏️"]
    assert await notifications(live_client, silent) == []


async def test_what_is_off_sale_when_it_would_be_told_is_not(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told, change: Change
) -> None:
    seller, bob = await live_sign_up(), await live_sign_up()
    await follow(live_client, bob, "sellers", seller.id)
    await an_item(live_client, seller, "Pen")
    await change("UPDATE items SET is_active = false")
    assert await told() == []
    assert await notifications(live_client, bob) == []


async def test_a_worker_that_is_killed_while_it_tells_tells_nobody_twice(
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    start_worker: StartWorker,
    told: Told,
    open_job: OpenJob,
    ask: Ask,
) -> None:
    seller = await live_sign_up()
    followers = [await live_sign_up() for _ in range(30)]
    for follower in followers:
        await follow(live_client, follower, "sellers", seller.id)
    await an_item(live_client, seller, "Pen")
    await open_job(JOB)
    first = start_worker()

    async def has_begun() -> bool:
        return bool(await ask("SELECT count(*) FROM notifications"))

    async def is_noted() -> bool:
        return bool(await ask("SELECT count(*) FROM new_items"))

    # The run of before may have come too early; the next one finds what was noted.
    await until(is_noted)
    await open_job(JOB)
    await until(has_begun)
    first.kill()
    first.wait()
    mails = await told()
    assert sorted(mail["To"] for mail in mails) == sorted(
        f"{each.username}@example.com" for each in followers
    )
    assert await ask("SELECT count(*) FROM notifications") == len(followers)
    assert await ask("SELECT count(*) FROM dead_letters") == 0
