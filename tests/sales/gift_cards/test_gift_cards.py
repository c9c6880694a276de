"""A gift card's code is shown once, its ledger explains what is on it, and nobody spends what is not."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import set_shop_zone
from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.sales.gift_cards.codes import code_digest, make_code
from app.sales.gift_cards.errors import UnknownGiftCard
from app.sales.gift_cards.repository import GiftCardRepository
from app.sales.models import GiftCard, GiftCardEntry
from devstack import Servers
from tests.conftest import Audit, Caller, SignUp, client_of, make_account, running_app, settings_for
from tests.sales.rows import an_order_row

CARDS = "/api/v1/gift-cards"
BALANCE = f"{CARDS}/balance"
D = Decimal


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    """Somebody who may issue cards."""
    return await sign_up(Role.ADMIN)


@pytest.fixture
def berlin() -> Iterator[None]:
    """A shop where the day begins before it does in UTC."""
    set_shop_zone(ZoneInfo("Europe/Berlin"))
    yield
    set_shop_zone(None)


async def a_card(
    client: httpx.AsyncClient, admin: Caller, amount: float = 50, **fields: Any
) -> dict[str, Any]:
    headers = {**admin.headers, "Idempotency-Key": make_code()}
    answer = await client.post(CARDS, json={"amount": amount, **fields}, headers=headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def ask(client: httpx.AsyncClient, caller: Caller, code: str) -> httpx.Response:
    return await client.post(BALANCE, json={"code": code}, headers=caller.headers)


async def spend(session: AsyncSession, user_id: int, code: str, most: str) -> tuple[int, Decimal]:
    order_id = await an_order_row(session, user_id)
    return order_id, await GiftCardRepository(session).redeem(code, D(most), "EUR", order_id)


async def is_sound(session: AsyncSession) -> bool:
    sums = select(func.sum(GiftCardEntry.amount)).where(GiftCardEntry.gift_card_id == GiftCard.id)
    wrong = select(func.count()).select_from(GiftCard).where(GiftCard.balance != sums.scalar_subquery())
    return not await session.scalar(wrong)


async def test_the_code_is_shown_once_and_only_its_hash_is_kept(
    client: httpx.AsyncClient, admin: Caller, session: AsyncSession, audit: Audit
) -> None:
    card = await a_card(client, admin, 50, expires_on="2099-12-31", note="Für Ada – 贈")
    assert {name: card[name] for name in ("balance", "currency", "expires_on", "note", "is_active")} == {
        "balance": 50,
        "currency": "EUR",
        "expires_on": "2099-12-31",
        "note": "Für Ada – 贈",
        "is_active": True,
    }
    assert card["last4"] == card["code"][-4:]
    read = await client.get(f"{CARDS}/{card['id']}", headers=admin.headers)
    assert read.json() == {name: value for name, value in card.items() if name != "code"}
    listed = await client.get(CARDS, headers=admin.headers)
    assert listed.json()["items"] == [read.json()]
    dumped = await session.scalar(text("SELECT string_agg(gift_cards::text, '') FROM gift_cards"))
    assert card["code"] not in dumped
    assert card["code"].replace("-", "") not in dumped
    [entry] = await audit(action="gift_card.issued")
    assert (entry["actor_id"], entry["changes"]["amount"]) == (admin.id, [None, "50"])
    assert card["code"] not in str(entry)
    [entry] = (await client.get(f"{CARDS}/{card['id']}/entries", headers=admin.headers)).json()["items"]
    assert (entry["kind"], entry["amount"], entry["balance_after"], entry["actor_id"]) == (
        "issued",
        50,
        50,
        admin.id,
    )


def test_a_code_is_read_however_it_is_written() -> None:
    code = make_code()
    assert len(code.replace("-", "")) == 16
    for written in (
        code.lower(),
        code.replace("-", ""),
        f" {code.replace('-', ' ')} ",
        code.replace("0", "O"),
    ):
        assert code_digest(written) == code_digest(code)
    assert code_digest("lI10-OOOO-0000-0000") == code_digest("1110-0000-0000-0000")
    assert code_digest(make_code()) != code_digest(code)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -5}, "amount"),
        ({"amount": 10.005}, "amount"),
        ({"amount": 10_000.01}, "amount"),
        ({"amount": "50"}, "amount"),
        ({"expires_on": "2020-01-01"}, "expires_on"),
        ({"expires_on": "2099-02-30"}, "expires_on"),
        ({"expires_on": 1}, "expires_on"),
        ({"note": " "}, "note"),
        ({"note": "x" * 201}, "note"),
        ({"code": "MINE"}, "code"),
        ({"balance": 7}, "balance"),
    ],
)
async def test_a_bad_card_is_refused_by_its_field(
    client: httpx.AsyncClient, admin: Caller, fields: dict[str, Any], field: str
) -> None:
    headers = {**admin.headers, "Idempotency-Key": "bad"}
    answer = await client.post(CARDS, json={"amount": 50, **fields}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_a_card_is_issued_once_for_a_key(client: httpx.AsyncClient, admin: Caller) -> None:
    answer = await client.post(CARDS, json={"amount": 50}, headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")
    headers = {**admin.headers, "Idempotency-Key": "once"}
    first, again = [await client.post(CARDS, json={"amount": 50}, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert (await client.get(CARDS, headers=admin.headers)).json()["total"] == 1


async def test_who_knows_the_code_is_told_the_balance(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, session: AsyncSession
) -> None:
    card = await a_card(client, admin, 50, note="Not for customers")
    await spend(session, seller.id, card["code"], "17.5")
    answer = await ask(client, seller, f" {card['code'].lower()} ")
    assert answer.json() == {
        "last4": card["last4"],
        "balance": 32.5,
        "currency": "EUR",
        "expires_on": None,
    }
    assert "no-store" in answer.headers["cache-control"]
    assert (await client.post(BALANCE, json={"code": card["code"]})).status_code == 401
    await client.patch(f"{CARDS}/{card['id']}", json={"is_active": False}, headers=admin.headers)
    for code in (card["code"], make_code(), "x", "贈" * 100, "'; DROP TABLE gift_cards; --"):
        answer = await ask(client, seller, code)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown-gift-card")
    for code in ("", "x" * 101, None, 7):
        answer = await client.post(BALANCE, json={"code": code}, headers=seller.headers)
        assert answer.status_code == 422


async def test_asking_for_balances_is_limited(servers: Servers, empty_database_url: str) -> None:
    settings = settings_for(servers, empty_database_url, rate_limit={"factor": 1, "gift_card": "3/minute"})
    async with running_app(settings) as app, client_of(app) as client:
        async with app.state.database.sessions.begin() as session:
            caller = await make_account(app, session)
        answers = [await ask(client, caller, make_code()) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_a_card_pays_what_is_on_it_and_gets_back_what_was_taken(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, session: AsyncSession
) -> None:
    card, other = await a_card(client, admin, 50), await a_card(client, admin, 20)
    cards = GiftCardRepository(session)
    first, taken = await spend(session, seller.id, card["code"], "30")
    assert taken == D(30)
    # An order takes from a card once, however often it asks.
    assert await cards.redeem(card["code"], D(30), "EUR", first) == 0
    second, taken = await spend(session, seller.id, card["code"], "30")
    assert taken == D(20)
    assert await cards.redeem(other["code"], D(10), "EUR", second) == D(10)
    assert (await spend(session, seller.id, card["code"], "30"))[1] == 0
    assert (await spend(session, seller.id, other["code"], "0"))[1] == 0
    await cards.give_back(second, D(25))
    await cards.give_back(first, D("0.01"))
    with pytest.raises(ValueError, match="did not take 1"):
        await cards.give_back(second, D(6))
    entries = (await client.get(f"{CARDS}/{card['id']}/entries", headers=admin.headers)).json()["items"]
    assert [(one["kind"], one["amount"], one["balance_after"], one["order_id"]) for one in entries] == [
        ("returned", 0.01, 20.01, first),
        ("returned", 20, 20, second),
        ("redeemed", -20, 0, second),
        ("redeemed", -30, 20, first),
        ("issued", 50, 50, None),
    ]
    assert (await client.get(f"{CARDS}/{other['id']}", headers=admin.headers)).json()["balance"] == 20
    assert await is_sound(session)


async def test_a_card_is_good_until_the_end_of_its_last_day_in_the_shop(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, session: AsyncSession, berlin: None
) -> None:
    del berlin
    card = await a_card(client, admin, 50, expires_on="2099-06-30")
    with time_machine.travel(datetime(2099, 6, 30, 21, 59, tzinfo=UTC), tick=False):
        assert (await spend(session, seller.id, card["code"], "10"))[1] == D(10)
    is_over = time_machine.travel(datetime(2099, 6, 30, 22, 0, tzinfo=UTC), tick=False)
    with is_over, pytest.raises(UnknownGiftCard):
        await spend(session, seller.id, card["code"], "10")


async def test_a_card_that_staff_stopped_or_of_another_currency_pays_nothing(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, session: AsyncSession, audit: Audit
) -> None:
    card = await a_card(client, admin, 50)
    order_id = await an_order_row(session, seller.id)
    cards = GiftCardRepository(session)
    path = f"{CARDS}/{card['id']}"
    stopped = await client.patch(path, json={"is_active": False}, headers=admin.headers)
    assert (stopped.json()["is_active"], stopped.json()["version"]) == (False, 2)
    for code, currency in ((card["code"], "EUR"), (make_code(), "EUR")):
        with pytest.raises(UnknownGiftCard):
            await cards.redeem(code, D(10), currency, order_id)
    await client.patch(path, json={"is_active": True}, headers=admin.headers)
    with pytest.raises(UnknownGiftCard):
        await cards.redeem(card["code"], D(10), "USD", order_id)
    assert await cards.redeem(card["code"], D(10), "EUR", order_id) == D(10)
    changes = [entry["changes"] for entry in await audit(action="gift_card.changed")]
    assert changes == [{"is_active": [True, False]}, {"is_active": [False, True]}]


async def test_a_change_is_of_what_was_read_and_a_purchase_does_not_disturb_it(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, session: AsyncSession
) -> None:
    card = await a_card(client, admin, 50)
    path = f"{CARDS}/{card['id']}"
    tag = (await client.get(path, headers=admin.headers)).headers["etag"]
    await spend(session, seller.id, card["code"], "10")
    session.expire_all()
    assert (await client.get(path, headers=admin.headers)).headers["etag"] != tag
    current = {**admin.headers, "If-Match": tag}
    changed = await client.patch(path, json={"note": "Lost", "expires_on": "2099-01-01"}, headers=current)
    assert (changed.status_code, changed.json()["balance"], changed.json()["version"]) == (200, 40, 2)
    answer = await client.patch(path, json={"note": "Found"}, headers=current)
    assert (answer.status_code, answer.json()["code"]) == (412, "stale-version")
    answer = await client.patch(path, json={"balance": 1000}, headers=admin.headers)
    assert answer.status_code == 422
    cleared = await client.patch(path, json={"note": None, "expires_on": None}, headers=admin.headers)
    assert (cleared.json()["note"], cleared.json()["expires_on"]) == (None, None)


async def test_cards_are_listed_by_what_staff_look_for(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, session: AsyncSession
) -> None:
    empty, full, old = [await a_card(client, admin, amount) for amount in (10, 30, 20)]
    await spend(session, seller.id, empty["code"], "10")
    past = (
        update(GiftCard).where(GiftCard.id == old["id"]).values(expires_on=datetime(2020, 1, 1, tzinfo=UTC))
    )
    await session.execute(past)
    await client.patch(f"{CARDS}/{full['id']}", json={"is_active": False}, headers=admin.headers)

    async def ids(**query: str) -> list[int]:
        answer = await client.get(CARDS, params=query, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        return [one["id"] for one in answer.json()["items"]]

    assert await ids() == [old["id"], full["id"], empty["id"]]
    assert await ids(sort="balance") == [empty["id"], old["id"], full["id"]]
    assert await ids(has_balance="false") == [empty["id"]]
    assert await ids(has_balance="true", is_expired="false") == [full["id"]]
    assert await ids(is_active="false") == [full["id"]]
    assert await ids(is_expired="true") == [old["id"]]
    assert await ids(last4=full["last4"].lower()) == [full["id"]]
    page = await client.get(CARDS, params={"limit": 2, "sort": "-balance"}, headers=admin.headers)
    assert await ids(limit="2", sort="-balance", cursor=page.json()["next_cursor"]) == [empty["id"]]


async def test_only_staff_who_may_see_cards(
    client: httpx.AsyncClient, admin: Caller, moderator: Caller, seller: Caller
) -> None:
    path = f"{CARDS}/{(await a_card(client, admin))['id']}"
    for method, address in (
        ("GET", CARDS),
        ("POST", CARDS),
        ("GET", path),
        ("PATCH", path),
        ("GET", f"{path}/entries"),
    ):
        for caller in (moderator, seller):
            assert (await client.request(method, address, headers=caller.headers)).status_code == 403
        assert (await client.request(method, address)).status_code == 401
    for address in (f"{CARDS}/{10**12}", f"{CARDS}/{10**12}/entries"):
        answer = await client.get(address, headers=admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "gift-card-not-found")
    answer = await client.patch(f"{CARDS}/{10**12}", json={}, headers=admin.headers)
    assert answer.status_code == 404


async def test_the_ledger_is_only_added_to_and_nothing_is_below_zero(
    client: httpx.AsyncClient, admin: Caller, session: AsyncSession
) -> None:
    card = await a_card(client, admin)
    for statement in ("UPDATE gift_card_entries SET amount = 1", "DELETE FROM gift_card_entries"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with session.begin_nested():
                await session.execute(text(statement))
    with pytest.raises(IntegrityError, match="balance_not_negative"):
        async with session.begin_nested():
            await session.execute(update(GiftCard).where(GiftCard.id == card["id"]).values(balance=-1))


async def test_many_at_once_cannot_spend_more_than_there_is(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    admin, ada = await live_sign_up(Role.ADMIN), await live_sign_up()
    card, other = await a_card(live_client, admin, 100), await a_card(live_client, admin, 5)

    # As many as there are connections: on a busy machine the others would wait for one too long.
    at_once = asyncio.Semaphore(5)

    async def buy(code: str) -> tuple[int, Decimal]:
        async with at_once, transaction(live_app.state.database, live_app.state.cache) as session:
            return await spend(session, ada.id, code, "7.5")

    bought = await asyncio.gather(*(buy(card["code"]) for _ in range(40)), buy(other["code"]))
    taken = [amount for _, amount in bought[:40]]
    assert sum(taken) == D(100)
    assert sorted(set(taken)) == [D(0), D("2.5"), D("7.5")]
    assert taken.count(D("7.5")) == 13

    async def cancel(order_id: int, amount: Decimal) -> None:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            await GiftCardRepository(session).give_back(order_id, amount)

    # Each is cancelled twice at once: it is given back once, and the other is refused.
    cancelled = [(order_id, amount) for order_id, amount in bought if amount == D("7.5")][:4]
    answers = await asyncio.gather(
        *(cancel(*one) for one in cancelled for _ in range(2)), return_exceptions=True
    )
    assert sum(isinstance(answer, ValueError) for answer in answers) == 4
    read = await live_client.get(f"{CARDS}/{card['id']}", headers=admin.headers)
    assert read.json()["balance"] == 30
    async with live_app.state.database.sessions() as session:
        assert await is_sound(session)
        lowest = await session.scalar(select(func.min(GiftCardEntry.balance_after)))
        assert lowest == 0


async def test_one_order_that_redeems_twice_at_once_is_charged_once(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    card = await a_card(live_client, admin, 100)
    async with live_app.state.database.sessions.begin() as session:
        order_id = await an_order_row(session, admin.id)

    async def redeem() -> Decimal:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            return await GiftCardRepository(session).redeem(card["code"], D(10), "EUR", order_id)

    assert sorted(await asyncio.gather(*(redeem() for _ in range(10)))) == [D(0)] * 9 + [D(10)]
