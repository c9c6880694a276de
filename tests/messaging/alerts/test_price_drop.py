"""A mail for each drop of a price."""

import httpx
import pytest

from app.messaging.alerts import repository
from tests.conftest import Caller, SignUp
from tests.messaging.alerts.conftest import DROP, ITEMS, Cost, Item, Subscribe, Work
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import PostOffice, text_of


@pytest.mark.parametrize(
    ("below", "steps"),
    [
        (
            None,
            [(10.5, None), (9.9, "9.90"), (9.9, None), (9.5, "9.50"), (11, None), (10, None), (9, "9.00")],
        ),
        (8, [(9, None), (8, None), (7.99, "7.99"), (12, None), (7.5, "7.50")]),
    ],
)
async def test_each_drop_below_what_was_said_is_told_once(
    below: float | None,
    steps: list[tuple[float, str | None]],
    cost: Cost,
    subscribe: Subscribe,
    work: Work,
    post_office: PostOffice,
) -> None:
    await subscribe("eve@example.com", DROP, **({} if below is None else {"below": below}))
    for price, _ in steps:
        await cost(price)
        await work()
    told = [price for _, price in steps if price]
    assert [mail["Subject"] for mail in post_office.messages] == ["The price went down"] * len(told)
    for mail, said in zip(post_office.messages, told, strict=True):
        assert f"“Pen” now costs {said} EUR." in text_of(mail)


async def test_of_changes_told_together_the_price_that_stands_counts(
    cost: Cost, subscribe: Subscribe, work: Work, post_office: PostOffice
) -> None:
    await subscribe("eve@example.com", DROP)
    for price in (9.0, 8.0, 12.0):
        await cost(price)
    await work()
    assert post_office.messages == []
    for price in (9.0, 8.0, 9.5):
        await cost(price)
    await work()
    [mail] = post_office.messages
    assert "9.50 EUR" in text_of(mail)


async def test_a_drop_is_told_batch_by_batch_and_once_to_each(
    change: Change, cost: Cost, pen: Item, work: Work, ask: Ask, post_office: PostOffice
) -> None:
    await change(
        "INSERT INTO item_alerts (item_id, kind, email, email_key, currency, price, state, confirmed_at)"  # noqa: S608 (a number)
        " SELECT "
        + str(pen["id"])
        + ", 'price-drop', 'reader' || n || '@example.com', 'reader' || n || '@example.com',"
        " 'EUR', 10, 'active', now() FROM generate_series(1, 7) AS n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "BATCH", 3)
        await cost(9)
        await work()
    assert sorted(mail["To"] for mail in post_office.messages) == [
        f"reader{n}@example.com" for n in range(1, 8)
    ]
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'alert.due'") == 4


@pytest.fixture
async def ada(live_client: httpx.AsyncClient, live_sign_up: SignUp, change: Change, pen: Item) -> Caller:
    """A German who waits for another price of the pen."""
    caller = await live_sign_up(username="ada")
    await change("UPDATE users SET is_verified = true, language = 'de'")
    path = f"{ITEMS}/{pen['id']}/alerts/{DROP}"
    answer = await live_client.put(path, json={}, headers=caller.headers)
    assert (answer.status_code, answer.json()["price"], answer.json()["below"]) == (200, 10, None)
    return caller


async def test_an_account_hears_at_the_address_that_it_has_then_in_its_language(
    ada: Caller, change: Change, cost: Cost, work: Work, post_office: PostOffice
) -> None:
    await change(
        "UPDATE users SET email = 'new@example.com', email_key = 'new@example.com'"  # noqa: S608 (a number)
        f" WHERE id = {ada.id}"
    )
    await cost(9)
    await work()
    [mail] = post_office.messages
    assert (mail["To"], mail["Subject"]) == ("new@example.com", "Der Preis ist gesunken")
    assert "„Pen“ kostet jetzt 9.00 EUR." in text_of(mail)


async def test_another_currency_is_no_lower_price(
    subscribe: Subscribe, work: Work, post_office: PostOffice, change: Change
) -> None:
    await subscribe("eve@example.com", DROP)
    await change("UPDATE items SET price = 9, currency = 'USD'")
    await work()
    assert post_office.messages == []


async def test_a_first_price_below_what_was_said_is_told(
    change: Change, cost: Cost, subscribe: Subscribe, work: Work, post_office: PostOffice
) -> None:
    await change("UPDATE items SET price = NULL")
    await subscribe("eve@example.com", DROP, below=8)
    await cost(7.5)
    await work()
    [mail] = post_office.messages
    assert "7.50 EUR" in text_of(mail)
