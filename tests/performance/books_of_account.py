"""A million orders of three years with their lines, payments, refunds and movements, made by PostgreSQL itself.

What sells is uneven, as in a shop: a tenth of the items has half of the sales.
"""

import asyncpg

YEARS = 3
_ADDRESS = (
    '{"full_name": "Ada Lovelace", "street_line_1": "1 Market Street", "city": "San Francisco", "state": "CA",'
    ' "zip_code": "94105", "country": "US"}'
)
_STATEMENTS = (
    # Nothing of it is checked or told to anybody: it is right as it is made.
    "SET session_replication_role = replica",
    "CREATE TEMP TABLE known AS SELECT coalesce(max(id), 0) AS last FROM orders",
    """
    CREATE TEMP TABLE goods AS
    SELECT row_number() OVER (ORDER BY id) AS place, id, title, price FROM items WHERE price IS NOT NULL
    """,
    "CREATE UNIQUE INDEX ON goods (place) INCLUDE (id, price)",
    "ANALYZE goods",
    """
    INSERT INTO users (username, email, email_key, password_hash, created_at)
    SELECT name, name || '@example.com', name || '@example.com', '!', now() - interval '{years} years' * random()
    FROM (SELECT 'customer-' || n AS name FROM generate_series(1, {orders} / 5) AS n) AS customers
    """,
    """
    CREATE TEMP TABLE picked AS
    SELECT n, line, id AS item_id, title, price
    FROM generate_series(1, {orders}) AS n, generate_series(1, 1 + n % 4) AS line,
        LATERAL (SELECT (hashint8(n * 4 + line) & 16777215) / 16777216.0 AS drawn) AS lot
        JOIN goods ON place = 1 + floor((SELECT max(place) FROM goods) * drawn * drawn * drawn)
    """,
    """
    INSERT INTO orders (user_id, channel, status, payment_status, fulfilment_status, currency, is_gross, subtotal,
        discount, tax, shipping, total, address, created_at, paid_at, shipped_at, delivered_at)
    SELECT (SELECT min(id) FROM users WHERE username LIKE 'customer-%') + n % ({orders} / 5), CASE WHEN n % 20 = 3 THEN 'till' ELSE 'web' END,
        CASE WHEN is_paid THEN 'delivered' ELSE 'cancelled' END, CASE WHEN is_paid THEN 'paid' ELSE 'unpaid' END,
        CASE WHEN is_paid THEN 'delivered' ELSE 'unfulfilled' END, CASE WHEN n % 50 = 7 THEN 'CHF' ELSE 'EUR' END,
        true, cost, 0, round(cost * 7 / 107, 2), 4, cost + 4, '{address}', at,
        CASE WHEN is_paid THEN at + interval '2 minutes' END, CASE WHEN is_paid THEN at + interval '1 day' END,
        CASE WHEN is_paid THEN at + interval '3 days' END
    FROM (
        SELECT n, sum(price) AS cost, n % 10 > 0 AS is_paid,
            now() - interval '{years} years' * (1 - n::float / {orders}) - interval '1 day' * random() AS at
        FROM picked GROUP BY n ORDER BY n
    ) AS made
    """,
    """
    CREATE TEMP TABLE placed AS
    SELECT row_number() OVER (ORDER BY id) AS n, id, currency, created_at, paid_at FROM orders, known WHERE id > last
    """,
    "CREATE UNIQUE INDEX ON placed (n) INCLUDE (id)",
    "ANALYZE placed",
    """
    INSERT INTO order_lines (order_id, position, item_id, kind, title, quantity, unit_price, tax_class, tax_rate, tax,
        discount, line_total)
    SELECT placed.id, line, item_id, 'book', title, 1, price, 'print', 0.07, round(price * 7 / 107, 2), 0, price
    FROM picked JOIN placed USING (n) ORDER BY n
    """,
    """
    INSERT INTO payments (order_id, provider, status, amount, currency, reference, captured_at, created_at)
    SELECT id, 'fake', 'succeeded', total, currency, 'scale-' || id, paid_at, created_at + interval '1 minute'
    FROM orders, known WHERE paid_at IS NOT NULL AND id > last ORDER BY id
    """,
    """
    INSERT INTO refunds (order_id, amount, currency, status, reason, created_at)
    SELECT id, least(total, 9.90), currency, 'succeeded', 'Returned', paid_at + interval '9 days'
    FROM orders, known WHERE paid_at < now() - interval '9 days' AND id % 20 = 1 AND id > last ORDER BY id
    """,
    """
    INSERT INTO returns (order_id, status, reason, lines, created_at)
    SELECT order_id, 'refunded', (ARRAY['Too late', 'Damaged', 'A present that they have', 'Other'])[1 + id % 4],
        jsonb_build_array(jsonb_build_object('line_id', line_id, 'quantity', 1, 'received', 1, 'damaged', id % 5 / 4)),
        created_at - interval '2 days'
    FROM known, refunds JOIN (
        SELECT order_id, id AS line_id FROM order_lines WHERE position = 1
    ) AS first USING (order_id)
    WHERE order_id > last
    """,
    """
    INSERT INTO stock_movements (item_id, delta, reserved_delta, balance_after, kind, order_id, created_at)
    SELECT item_id, -1, -1, 10, 'sale', id, paid_at + interval '1 day'
    FROM picked JOIN placed USING (n) WHERE paid_at < now() - interval '1 day' ORDER BY n
    """,
    """
    INSERT INTO stock_movements (item_id, delta, balance_after, kind, created_at)
    SELECT id, 20, 30, 'receipt', now() - interval '{years} years' * random() FROM goods
    """,
    """
    INSERT INTO carts (user_id, created_at)
    SELECT id, now() - interval '60 days' * random() FROM users WHERE username LIKE 'customer-%' AND id % 4 = 0
    """,
    """
    INSERT INTO cart_lines (cart_id, item_id, quantity, seen_price, added_at)
    SELECT carts.id, goods.id, 1, price, carts.created_at
    FROM carts, generate_series(1, 2) AS line
        JOIN goods ON place = 1 + (line * 7919) % (SELECT max(place) FROM goods)
    """,
    "DROP TABLE picked, placed, goods, known",
    "RESET session_replication_role",
    # The throw-away server has no autovacuum.
    "VACUUM ANALYZE",
)


async def fill_orders(database_url: str, orders: int) -> None:
    """Add so many orders to a database that has a catalogue."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        for statement in _STATEMENTS:
            made = statement.replace("{orders}", str(orders)).replace("{years}", str(YEARS))
            await connection.execute(made.replace("{address}", _ADDRESS), timeout=3600)
    finally:
        await connection.close()
