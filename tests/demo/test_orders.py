"""The demo shop's orders: as sound as if each had been placed, paid, sent and sent back by hand."""

import asyncpg
import httpx
import pytest

from app.demo.accounts import PASSWORD
from devstack import Servers
from tests.conftest import client_of, running_app, settings_for

from .test_loading import count, load, shop_url

__all__ = ["shop_url"]

ORDERS = "/api/v1/orders"


async def test_there_are_orders_of_every_kind(shop_url: str) -> None:
    questions = {
        "orders": 200,
        "orders WHERE created_at < now() - interval '60 days'": 50,
        "orders WHERE status = 'pending'": 1,
        "orders WHERE status = 'processing'": 5,
        "orders WHERE status = 'shipped'": 5,
        "orders WHERE status = 'delivered'": 100,
        "orders WHERE status = 'cancelled' AND paid_at IS NULL": 5,
        "orders WHERE status = 'cancelled' AND payment_status = 'refunded'": 1,
        "orders WHERE status = 'returned'": 1,
        "(SELECT DISTINCT user_id FROM orders) AS buyers": 3,
        "invoices WHERE kind = 'invoice'": 150,
        "invoices WHERE kind = 'credit_note'": 2,
        "bought_together": 6,
        "items WHERE popularity > 0": 30,
    }
    found = {question: await count(shop_url, question) for question in questions}
    assert not {each: found[each] for each, least in questions.items() if found[each] < least}


@pytest.mark.parametrize(
    "breach",
    [
        "orders o WHERE NOT EXISTS (SELECT FROM order_lines WHERE order_id = o.id)",
        "orders WHERE total <> subtotal - discount + tax + shipping",
        "orders o WHERE subtotal <> (SELECT sum(line_total) FROM order_lines WHERE order_id = o.id)",
        "orders o WHERE tax <> (SELECT sum(tax) FROM order_lines WHERE order_id = o.id)",
        "orders WHERE least(created_at, paid_at, shipped_at, delivered_at, cancelled_at) <> created_at",
        "orders WHERE greatest(created_at, paid_at, shipped_at, delivered_at, cancelled_at) > now()",
        "orders WHERE (status = 'pending') <> (expires_at IS NOT NULL)",
        "order_lines l WHERE quantity <> (SELECT sum(quantity) FROM order_parts WHERE line_id = l.id)",
        "stock_levels s WHERE reserved <> (SELECT coalesce(sum(reserved), 0) FROM order_parts p WHERE p.item_id = s.item_id)",
        "stock_levels s WHERE on_hand <> (SELECT coalesce(sum(delta), 0) FROM stock_movements m WHERE m.item_id = s.item_id)",
        "stock_levels s WHERE reserved <> (SELECT coalesce(sum(reserved_delta), 0) FROM stock_movements m WHERE m.item_id = s.item_id)",
        "(SELECT balance_after, sum(delta) OVER (PARTITION BY item_id ORDER BY id) AS summed FROM stock_movements) AS m WHERE balance_after <> summed OR summed < 0",
        "book_documents d JOIN stock_levels s ON s.item_id = d.book_id WHERE d.in_stock <> (s.available > 0)",
        "orders o WHERE paid_at IS NOT NULL AND total <> (SELECT sum(amount) FROM payments p WHERE p.order_id = o.id)",
        "payments p WHERE refunded <> (SELECT coalesce(sum(amount), 0) FROM refund_parts r WHERE r.payment_id = p.id)",
        "payments p WHERE NOT EXISTS (SELECT FROM fake_transactions f WHERE f.reference = p.reference AND f.amount = p.amount)",
        "orders o WHERE (payment_status = 'refunded') <> EXISTS (SELECT FROM refunds r WHERE r.order_id = o.id)",
        "orders o WHERE (paid_at IS NOT NULL) <> EXISTS (SELECT FROM invoices i WHERE i.order_id = o.id AND kind = 'invoice')",
        "invoices i WHERE NOT EXISTS (SELECT FROM outbox_events WHERE type = 'invoice.issued' AND payload @> jsonb_build_object('invoice_id', i.id))",
    ],
)
async def test_no_order_breaks_a_rule_of_the_shop(shop_url: str, breach: str) -> None:
    assert await count(shop_url, breach) == 0


async def test_buyers_read_them_and_staff_go_on_with_them(servers: Servers, shop_url: str) -> None:
    settings = settings_for(servers, shop_url, environment="development")
    async with running_app(settings) as app, client_of(app) as client:
        reader, admin = [await log_in(client, name) for name in ("demo_reader", "demo_admin")]
        page = (await client.get(ORDERS, params={"status": "delivered"}, headers=reader)).json()
        assert page["total"] >= 30
        number = page["items"][0]["number"]
        for part in ("", "/timeline", "/payments", "/transactions", "/invoice"):
            answer = await client.get(f"{ORDERS}/{number}{part}", headers=reader)
            assert answer.status_code == 200, answer.text
        proof = (await client.get("/api/v1/admin/inventory/reconcile", headers=admin)).json()
        assert proof["is_sound"]
        open_orders = {"status": "processing", "sort": "created_at"}
        waiting = (await client.get("/api/v1/admin/orders", params=open_orders, headers=admin)).json()
        path = f"{ORDERS}/{waiting['items'][0]['number']}"
        sent = await client.post(f"{path}/ship", json={}, headers={**admin, "Idempotency-Key": "demo-ship"})
        assert (sent.status_code, sent.json()["status"]) == (200, "shipped"), sent.text
        refund = {"amount": 1, "reason": "A dent"}
        given = await client.post(
            f"{ORDERS}/{number}/refunds", json=refund, headers={**admin, "Idempotency-Key": "demo-refund"}
        )
        assert (given.status_code, given.json()["status"]) == (201, "succeeded"), given.text
        assert (await client.get("/api/v1/admin/inventory/reconcile", headers=admin)).json()["is_sound"]


async def log_in(client: httpx.AsyncClient, name: str) -> dict[str, str]:
    answer = await client.post("/api/v1/auth/token", data={"username": name, "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def test_every_load_invents_the_same_orders(
    servers: Servers, empty_database_url: str, shop_url: str
) -> None:
    await load(settings_for(servers, empty_database_url, environment="development"))
    found = []
    for url in (shop_url, empty_database_url):
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        found.append(
            await connection.fetch("SELECT number, total FROM orders WHERE user_id IS NOT NULL ORDER BY id")
        )
        await connection.close()
    assert found[0] == found[1]
