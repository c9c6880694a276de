"""Following authors, series and sellers."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Series
from app.messaging.follows.models import Follow
from app.messaging.follows.service import MOST_FOLLOWS
from tests.catalog.merges.arrange import merge
from tests.conftest import Caller, SignUp, change_account
from tests.factories import a_book, an_author

URL = "/api/v1/users/me/follows"


async def follow(client: httpx.AsyncClient, owner: Caller, target: str, target_id: object) -> httpx.Response:
    return await client.put(f"{URL}/{target}/{target_id}", headers=owner.headers)


async def followed(client: httpx.AsyncClient, owner: Caller, **query: str) -> list[dict[str, Any]]:
    answer = await client.get(URL, params=query, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def test_an_author_a_series_and_a_seller_can_be_followed_and_left(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    ada, seller = await sign_up(), await sign_up(username="grace")
    book = await a_book(client, seller, author="Ursula K. Le Guin", series="Hainish Cycle")
    things = {
        "authors": (book["contributors"][0]["author_id"], "Ursula K. Le Guin"),
        "series": (book["series_id"], "Hainish Cycle"),
        "sellers": (seller.id, "grace"),
    }
    for target, (target_id, name) in things.items():
        answer = await follow(client, ada, target, target_id)
        assert answer.status_code == 200, answer.text
        assert answer.json().items() >= {"target": target, "target_id": target_id, "name": name}.items()
        assert (await follow(client, ada, target, target_id)).json() == answer.json()
        assert [one["name"] for one in await followed(client, ada, target=target)] == [name]
    assert [one["target"] for one in await followed(client, ada)] == ["sellers", "series", "authors"]
    assert await followed(client, seller) == []
    for target, (target_id, _) in things.items():
        refused = await client.delete(f"{URL}/{target}/{target_id}", headers=seller.headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "follow-not-found")
        gone = await client.delete(f"{URL}/{target}/{target_id}", headers=ada.headers)
        assert gone.status_code == 204
    assert await followed(client, ada) == []


async def test_pages_go_on_by_cursor(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    ada = await sign_up()
    for _ in range(3):
        await follow(client, ada, "sellers", (await sign_up()).id)
    first = (await client.get(URL, params={"limit": 2}, headers=ada.headers)).json()
    second = await client.get(URL, params={"limit": 2, "cursor": first["next_cursor"]}, headers=ada.headers)
    assert (first["total"], len(first["items"]), len(second.json()["items"])) == (3, 2, 1)
    wrong = await client.get(URL, params={"target": "publishers"}, headers=ada.headers)
    assert wrong.status_code == 422


@pytest.mark.parametrize(
    ("target", "target_id", "status", "code"),
    [
        ("authors", 999999, 404, "author-not-found"),
        ("series", 999999, 404, "series-not-found"),
        ("sellers", 999999, 404, "user-not-found"),
        ("publishers", 1, 422, "validation"),
        ("authors", 0, 422, "validation"),
        ("authors", "x", 422, "validation"),
        ("authors", 2**63, 422, "validation"),
    ],
)
async def test_what_is_not_there_cannot_be_followed(
    client: httpx.AsyncClient, seller: Caller, target: str, target_id: object, status: int, code: str
) -> None:
    answer = await follow(client, seller, target, target_id)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await followed(client, seller) == []


async def test_a_closed_account_cannot_be_followed(
    client: httpx.AsyncClient, sign_up: SignUp, session: AsyncSession
) -> None:
    ada, closed = await sign_up(), await sign_up()
    await change_account(session, closed.id, is_active=False)
    await session.commit()
    assert (await follow(client, ada, "sellers", closed.id)).json()["code"] == "user-not-found"


async def test_of_a_merged_author_the_other_one_is_followed(
    client: httpx.AsyncClient, moderator: Caller, seller: Caller
) -> None:
    one = await an_author(client, moderator, "U. K. Le Guin")
    other = await an_author(client, moderator, "Ursula K. Le Guin")
    await merge(client, moderator, "author", one["id"], other["id"])
    answer = await follow(client, seller, "authors", one["id"])
    assert (answer.json()["target_id"], answer.json()["name"]) == (other["id"], "Ursula K. Le Guin")


async def test_no_more_can_be_followed_than_a_thousand(
    client: httpx.AsyncClient, sign_up: SignUp, session: AsyncSession
) -> None:
    ada, seller = await sign_up(), await sign_up()
    names = [{"name": f"Series {number}"} for number in range(MOST_FOLLOWS)]
    series = (await session.scalars(insert(Series).returning(Series.id), names)).all()
    await session.execute(insert(Follow), [{"user_id": ada.id, "series_id": one} for one in series])
    await session.commit()
    refused = await follow(client, ada, "sellers", seller.id)
    assert (refused.status_code, refused.json()["code"]) == (409, "too-many-follows")
    # What is followed already is no more.
    assert (await follow(client, ada, "series", series[0])).status_code == 200


async def test_two_requests_at_once_follow_once(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    ada, seller = await live_sign_up(), await live_sign_up()
    answers = await asyncio.gather(*(follow(live_client, ada, "sellers", seller.id) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(await followed(live_client, ada)) == 1


async def test_the_document_describes_what_can_be_followed(app: FastAPI) -> None:
    document = app.openapi()
    operation = document["paths"][f"{URL}/{{target}}/{{target_id}}"]["put"]
    target = next(one for one in operation["parameters"] if one["name"] == "target")
    assert target["example"] == "authors"
    name = target["schema"]["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["enum"] == ["authors", "series", "sellers"]
