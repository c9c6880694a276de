"""A purchase from the order to the refund, with a worker that does its part: paper, mails, money and the stream."""

import json

import httpx
from fastapi import FastAPI

from app.identity.permissions import Role
from app.sales.orders.handlers import STREAM
from tests.conftest import Caller, SignUp
from tests.factories import an_item, an_order, once
from tests.worker.conftest import Ask, RunningWorker, all_done
from tests.worker.post_office import PostOffice


async def get(client: httpx.AsyncClient, caller: Caller, path: str) -> httpx.Response:
    answer = await client.get(f"/api/v1/orders/{path}", headers=caller.headers)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_purchase_has_its_paper_its_mails_and_its_money(
    live_app: FastAPI,
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    running_worker: RunningWorker,
    post_office: PostOffice,
    ask: Ask,
) -> None:
    buyer, seller = await live_sign_up(username="ada"), await live_sign_up()
    staff = await live_sign_up(Role.ADMIN)
    pen = await an_item(live_client, seller, "Füller", price=12.5, quantity=5)
    order = await an_order(live_client, buyer, (pen, 2))
    number = order["number"]
    before = await live_client.get(f"/api/v1/orders/{number}/invoice", headers=buyer.headers)
    assert before.status_code == 409
    async with running_worker():
        card = {"provider": "fake", "card": "ok"}
        paid = await live_client.post(f"/api/v1/orders/{number}/payments", json=card, headers=once(buyer))
        assert paid.status_code == 201, paid.text
        await all_done(ask)
        parcel = {"carrier": "DHL", "tracking": "00340434161094000000"}
        sent = await live_client.post(f"/api/v1/orders/{number}/ship", json=parcel, headers=once(staff))
        assert sent.status_code in {200, 201}, sent.text
        await all_done(ask)
        wish = {"lines": [{"item_id": pen["id"], "quantity": 1}], "reason": "Leaks"}
        refund = await live_client.post(f"/api/v1/orders/{number}/refunds", json=wish, headers=once(staff))
        assert refund.status_code == 201, refund.text
        await all_done(ask)
    invoice = (await get(live_client, buyer, f"{number}/invoice")).json()
    assert invoice["total"] == order["total"]
    assert (await get(live_client, buyer, f"{number}/invoice.pdf")).content.startswith(b"%PDF-")
    assert (await get(live_client, staff, f"{number}/pick-list.pdf")).content.startswith(b"%PDF-")
    [note] = (await get(live_client, buyer, f"{number}/credit-notes")).json()["items"]
    assert (note["total"], note["items"][0]["title"]) == (refund.json()["amount"], "1 x Füller")
    note_pdf = await get(live_client, buyer, f"{number}/credit-notes/{note['number']}.pdf")
    assert note_pdf.content.startswith(b"%PDF-")
    payment, returned = (await get(live_client, buyer, f"{number}/transactions")).json()["items"]
    assert (float(payment["amount"]), float(returned["amount"])) == (order["total"], -note["total"])
    assert sorted(str(mail["Subject"]) for mail in post_office.messages) == [
        "Money for your order is on its way back",
        "We have your order",
        "Your order is on its way",
        "Your order is paid",
    ]
    entries = await live_app.state.redis.xrange(STREAM)
    # At least once: a worker whose transaction had to be tried again tells it again.
    [told] = [json.loads(data) for data in {entry[b"data"] for _, entry in entries}]
    assert (told["event"], told["total"]) == ("order.created", order["total"])
