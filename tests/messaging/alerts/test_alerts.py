"""Setting, listing, confirming and ending alerts."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.groups import JwtSettings
from app.messaging.alerts.handlers import purge_alerts
from app.messaging.email.lists import MailList, unsubscribe_token
from tests.conftest import JWT_SECRET, Caller, SignUp
from tests.factories import an_item
from tests.messaging.alerts.conftest import ALERTS, BACK, DROP, ITEMS, MINE, Item, Work
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import PostOffice, token_of


@pytest.fixture
async def thing(client: httpx.AsyncClient, seller: Caller) -> Item:
    return await an_item(client, seller)


async def test_one_sets_lists_and_ends_ones_own(
    client: httpx.AsyncClient, sign_up: SignUp, thing: Item
) -> None:
    ada, eve = await sign_up(), await sign_up()
    path = f"{ITEMS}/{thing['id']}/alerts"
    for _ in range(2):
        assert (await client.put(f"{path}/{BACK}", headers=ada.headers)).status_code == 200
    priced = await client.put(f"{path}/{DROP}", json={"below": 7.5}, headers=ada.headers)
    assert (priced.json()["below"], priced.json()["price"], priced.json()["state"]) == (7.5, 10, "active")
    listed = (await client.get(MINE, headers=ada.headers)).json()
    assert [one["kind"] for one in listed["items"]] == [DROP, BACK]
    assert (await client.get(MINE, headers=eve.headers)).json()["total"] == 0
    for query, total in (({"kind": BACK}, 1), ({"state": "done"}, 0), ({"state": "active"}, 2)):
        assert (await client.get(MINE, params=query, headers=ada.headers)).json()["total"] == total
    assert (await client.get(MINE, params={"who": "eve"}, headers=ada.headers)).status_code == 422
    theirs = await client.delete(f"{path}/{DROP}", headers=eve.headers)
    assert (theirs.status_code, theirs.json()["code"]) == (404, "alert-not-found")
    assert (await client.delete(f"{path}/{DROP}", headers=ada.headers)).status_code == 204
    assert (await client.get(MINE, headers=ada.headers)).json()["total"] == 1


async def test_an_item_that_is_not_there_or_off_sale_has_no_alerts(
    client: httpx.AsyncClient, seller: Caller, thing: Item
) -> None:
    await client.patch(f"{ITEMS}/{thing['id']}", json={"is_active": False}, headers=seller.headers)
    for item_id in (thing["id"], 999_999):
        path = f"{ITEMS}/{item_id}/alerts"
        asked = {"kind": BACK, "email": "eve@example.com"}
        answers = [
            await client.put(f"{path}/{BACK}", headers=seller.headers),
            await client.put(f"{path}/{DROP}", json={}, headers=seller.headers),
            await client.post(path, json=asked),
        ]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "item-not-found")}


async def test_what_has_no_price_yet_needs_one_to_wait_for(
    client: httpx.AsyncClient, seller: Caller, thing: Item, session: AsyncSession
) -> None:
    await session.execute(text("UPDATE items SET price = NULL"))
    path = f"{ITEMS}/{thing['id']}/alerts"
    refused = await client.put(f"{path}/{DROP}", json={}, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "item-without-price")
    asked = await client.post(path, json={"kind": DROP, "email": "eve@example.com"})
    assert asked.json()["code"] == "item-without-price"
    assert (await client.put(f"{path}/{DROP}", json={"below": 5}, headers=seller.headers)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": BACK},
        {"kind": "gone", "email": "eve@example.com"},
        {"kind": BACK, "email": "eve"},
        {"kind": BACK, "email": "eve@example.com", "below": 5},
        {"kind": DROP, "email": "eve@example.com", "below": 0},
        {"kind": DROP, "email": "eve@example.com", "below": 1.234},
        {"kind": DROP, "email": "eve@example.com", "below": "5"},
        {"kind": DROP, "email": "eve@example.com", "state": "active"},
    ],
)
async def test_what_is_no_wish_is_refused(
    client: httpx.AsyncClient, thing: Item, body: dict[str, Any]
) -> None:
    answer = await client.post(f"{ITEMS}/{thing['id']}/alerts", json=body)
    assert answer.status_code == 422, answer.text


async def test_the_answer_is_the_same_for_every_address_and_who_waits_is_not_asked_again(
    live_client: httpx.AsyncClient, pen: Item, work: Work, post_office: PostOffice, ask: Ask
) -> None:
    path = f"{ITEMS}/{pen['id']}/alerts"
    first = await live_client.post(path, json={"kind": DROP, "email": "eve@example.com", "below": 9})
    await work()
    token = token_of(post_office.messages[0], "/alerts/confirm")
    answers = await asyncio.gather(
        *(live_client.post(f"{ALERTS}/confirm", json={"token": token}) for _ in range(4))
    )
    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400]
    second = await live_client.post(path, json={"kind": DROP, "email": "EVE@example.com", "below": 1})
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (202, first.json())
    await work()
    assert len(post_office.messages) == 1
    assert await ask("SELECT below FROM item_alerts") == 9


async def test_what_nobody_confirms_is_deleted_after_two_days(
    client: httpx.AsyncClient, thing: Item, session: AsyncSession
) -> None:
    await client.post(f"{ITEMS}/{thing['id']}/alerts", json={"kind": BACK, "email": "eve@example.com"})
    assert await purge_alerts(session) == 0
    await session.execute(text("UPDATE item_alerts SET created_at = now() - interval '49 hours'"))
    assert await purge_alerts(session) == 1


async def test_a_link_of_an_alert_that_is_gone_does_not_work(
    live_client: httpx.AsyncClient, pen: Item, work: Work, post_office: PostOffice, change: Change
) -> None:
    await live_client.post(f"{ITEMS}/{pen['id']}/alerts", json={"kind": BACK, "email": "eve@example.com"})
    await work()
    await change("DELETE FROM item_alerts")
    token = token_of(post_office.messages[0], "/alerts/confirm")
    answer = await live_client.post(f"{ALERTS}/confirm", json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-one-time-token")


async def test_tokens_of_other_lists_end_no_alert(client: httpx.AsyncClient) -> None:
    settings = JwtSettings.model_validate({"secret": JWT_SECRET})
    other = unsubscribe_token(settings, MailList.NEWSLETTER, 1)
    for token in (other, "", "1.x"):
        answer = await client.post(f"{ALERTS}/end", params={"token": token})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-unsubscribe-token")


async def test_pages_change_nothing_and_leak_nothing(client: httpx.AsyncClient) -> None:
    for page in ("/alerts/confirm", "/alerts/end", "/api/v1/alerts/end"):
        shown = await client.get(page, params={"token": "s3cr3t"})
        assert shown.status_code == 200
        assert "s3cr3t" not in shown.text
