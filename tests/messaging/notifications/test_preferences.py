"""What people choose to be told."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, change_account

URL = "/api/v1/users/me/notification-preferences"


async def read(client: httpx.AsyncClient, owner: Caller) -> dict[str, Any]:
    answer = await client.get(URL, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def choose(client: httpx.AsyncClient, owner: Caller, choices: object, **headers: str) -> httpx.Response:
    return await client.put(URL, json={"choices": choices}, headers={**owner.headers, **headers})


async def test_without_a_choice_mail_and_sms_are_as_the_profile_says(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    default = {"mail": True, "in_app": True, "sms": False, "push": True}
    assert set((await read(client, seller))["choices"]) == {"account", "orders", "stock", "news"}
    assert (await read(client, seller))["choices"]["news"] == default
    await change_account(session, seller.id, notifications=["sms"], phone="+442079460018")
    choices = (await read(client, seller))["choices"]
    assert choices["news"] == {**default, "mail": False, "sms": True}
    assert choices["orders"]["mail"]
    assert choices["account"]["mail"]


async def test_choices_replace_each_other(client: httpx.AsyncClient, seller: Caller) -> None:
    first = await choose(client, seller, {"news": {"mail": False, "sms": True}, "stock": {"push": False}})
    assert first.status_code == 200, first.text
    assert first.headers["cache-control"] == "private, no-store"
    shown = await read(client, seller)
    assert shown == first.json()
    assert shown["choices"]["news"] == {"mail": False, "in_app": True, "sms": True, "push": True}
    assert not shown["choices"]["stock"]["push"]
    second = (await choose(client, seller, {"news": {"in_app": False}})).json()["choices"]
    assert second["news"] == {"mail": True, "in_app": False, "sms": False, "push": True}
    assert second["stock"]["push"]


async def test_what_was_read_can_be_sent_as_it_is(client: httpx.AsyncClient, seller: Caller) -> None:
    shown = await read(client, seller)
    answer = await choose(client, seller, shown["choices"])
    assert (answer.status_code, answer.json()) == (200, shown)


@pytest.mark.parametrize("category", ["account", "orders"])
async def test_transactional_mail_cannot_be_turned_off(
    client: httpx.AsyncClient, seller: Caller, category: str
) -> None:
    await choose(client, seller, {"news": {"mail": False}})
    refused = await choose(client, seller, {category: {"mail": False, "push": False}})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "transactional-mail")
    assert [error["field"] for error in problem["errors"]] == [f"choices.{category}.mail"]
    choices = (await read(client, seller))["choices"]
    assert choices[category] == {"mail": True, "in_app": True, "sms": False, "push": True}
    assert not choices["news"]["mail"]
    assert (await choose(client, seller, {category: {"mail": True, "push": False}})).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": None},
        {"choices": {"news": None}},
        {"choices": {"news": {"mail": None}}},
        {"choices": {"news": {"mail": "yes"}}},
        {"choices": {"news": {"mail": 1}}},
        {"choices": {"news": {"fax": True}}},
        {"choices": {"gossip": {"mail": True}}},
        {"choices": {"news": True}},
    ],
    ids=str,
)
async def test_what_is_no_choice_is_refused(client: httpx.AsyncClient, seller: Caller, body: object) -> None:
    answer = await client.put(URL, json=body, headers=seller.headers)
    assert answer.status_code == 422, answer.text


async def test_of_two_who_read_the_same_the_slower_is_told(client: httpx.AsyncClient, seller: Caller) -> None:
    etag = (await client.get(URL, headers=seller.headers)).headers["etag"]
    unchanged = await client.get(URL, headers={**seller.headers, "If-None-Match": etag})
    assert unchanged.status_code == 304
    first = await choose(client, seller, {"news": {"push": False}}, **{"If-Match": etag})
    assert first.status_code == 200
    assert first.headers["etag"] != etag
    second = await choose(client, seller, {"news": {"mail": False}}, **{"If-Match": etag})
    assert (second.status_code, second.json()["code"]) == (412, "stale-version")
    third = await choose(client, seller, {"stock": {"push": False}}, **{"If-Match": first.headers["etag"]})
    assert third.status_code == 200


async def test_of_two_at_once_with_the_same_tag_one_is_told(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    etag = (await live_client.get(URL, headers=owner.headers)).headers["etag"]
    answers = await asyncio.gather(
        *(
            choose(live_client, owner, {"news": {channel: False}}, **{"If-Match": etag})
            for channel in ("mail", "in_app", "push")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_one_persons_choices_are_nobody_elses(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    ada, bob = await sign_up(), await sign_up(Role.ADMIN)
    await choose(client, ada, {"news": {"in_app": False}})
    assert (await read(client, bob))["choices"]["news"]["in_app"]


async def test_a_channel_without_a_gateway_is_not_offered(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, app: FastAPI
) -> None:
    async def available() -> dict[str, bool]:
        return {one["channel"]: one["available"] for one in (await read(client, seller))["channels"]}

    assert await available() == {"mail": True, "in_app": True, "sms": False, "push": False}
    settings = app.state.settings
    app.state.settings = settings.model_copy(
        update={"sms": settings.sms.model_copy(update={"url": "https://gateway.example.com"})}
    )
    try:
        assert not (await available())["sms"]
        await change_account(session, seller.id, phone="+442079460018")
        assert (await available())["sms"]
    finally:
        app.state.settings = settings


async def test_the_table_of_kinds_is_shown(client: httpx.AsyncClient, seller: Caller) -> None:
    kinds = {kind["kind"]: kind for kind in (await read(client, seller))["kinds"]}
    assert kinds["order_shipped"] == {
        "kind": "order_shipped",
        "category": "orders",
        "channels": ["mail", "in_app", "sms", "push"],
        "transactional": True,
    }
