-- What POST /checkout says to PostgreSQL for a cart of three items, in the same order: recorded from the server's
-- log, with variables for what differs. `line1` to `line3` are the ids that the INSERT of the lines gives back.
\set turn :turn + 1
\set cart 1 + :client_id * :each + :turn
\set buyer :cart + :before
\set item1 1 + (:cart * 3 + 1 + :shift * 37) % 20000
\set item2 1 + (:cart * 3 + 2 + :shift * 37) % 20000
\set item3 1 + (:cart * 3 + 3 + :shift * 37) % 20000
INSERT INTO idempotency_keys (id, claim, claimed_until, fingerprint, answer, expires_at) VALUES
(sha256(convert_to('key ' || :shift::text || ' ' || :cart::text, 'UTF8')),
'95085928-f1a3-40f0-b138-91305b1c5e06'::UUID, now() + interval '20 seconds', sha256('request'), NULL::BYTEA,
now() + interval '1 day') ON CONFLICT (id) DO UPDATE SET claim = '95085928-f1a3-40f0-b138-91305b1c5e06'::UUID,
claimed_until = now() + interval '20 seconds', fingerprint = sha256('request'), answer = NULL::BYTEA,
expires_at = now() + interval '1 day' WHERE idempotency_keys.answer IS NULL AND idempotency_keys.claimed_until
< now() OR idempotency_keys.expires_at < now() RETURNING idempotency_keys.id;
BEGIN;
SELECT carts.id, carts.user_id, carts.token_hash, carts.coupon, carts.warnings, carts.version,
carts.expires_at, carts.created_at FROM carts WHERE carts.user_id = :buyer::BIGINT FOR UPDATE;
SELECT cart_lines.quantity, cart_lines.seen_price, items.id, items.kind, items.title, books.isbn13, items.sku,
items.price, items.currency, items.is_active, stock_levels.sale_policy, CASE WHEN (items.kind =
'bundle'::VARCHAR) THEN (SELECT coalesce(min(CASE WHEN part.is_active THEN part_level.available /
offer_parts.quantity ELSE '0'::INTEGER END), '0'::INTEGER) AS coalesce_1 FROM offer_parts JOIN items AS part
ON part.id = offer_parts.item_id JOIN stock_levels AS part_level ON part_level.item_id = offer_parts.item_id
WHERE offer_parts.offer_id = items.id) ELSE coalesce(stock_levels.available, '0'::INTEGER) END AS anon_1,
books.format, coalesce(books.is_price_fixed, (SELECT bool_or(books_1.is_price_fixed) AS bool_or_1 FROM books
AS books_1 JOIN offer_parts ON offer_parts.item_id = books_1.item_id WHERE offer_parts.offer_id = items.id),
'f'::BOOLEAN) AS coalesce_4, array((SELECT book_categories.category_id FROM book_categories WHERE
book_categories.book_id = items.id)) AS array_1, array((SELECT contributors.author_id FROM contributors WHERE
contributors.book_id = items.id AND contributors.role = 'author'::VARCHAR)) AS array_2,
coalesce(items.weight_grams, CASE WHEN (items.kind = 'bundle'::VARCHAR) THEN (SELECT CASE WHEN
bool_and(part.weight_grams IS NOT NULL) THEN sum(part.weight_grams * offer_parts.quantity) END AS anon_2 FROM
offer_parts JOIN items AS part ON part.id = offer_parts.item_id JOIN stock_levels AS part_level ON
part_level.item_id = offer_parts.item_id WHERE offer_parts.offer_id = items.id) ELSE items.weight_grams END)
AS coalesce_6 FROM items LEFT OUTER JOIN books ON books.item_id = items.id LEFT OUTER JOIN stock_levels ON
stock_levels.item_id = items.id JOIN cart_lines ON cart_lines.item_id = items.id WHERE cart_lines.cart_id =
:cart::BIGINT ORDER BY cart_lines.added_at, cart_lines.item_id;
SELECT discounts.id, discounts.name, discounts.code, discounts.discount_type, discounts.value,
discounts.min_order, discounts.max_discount, discounts.is_exclusive, discounts.priority, discounts.item_ids,
discounts.category_ids, discounts.author_ids, coalesce(discount_uses.used >= discounts.per_customer_limit,
'f'::BOOLEAN) AS coalesce_1 FROM discounts LEFT OUTER JOIN discount_uses ON discount_uses.discount_id =
discounts.id AND discount_uses.user_id = :buyer::BIGINT WHERE discounts.is_active AND discounts.starts_at <=
now() AND NOT coalesce(discounts.ends_at <= now(), 'f'::BOOLEAN) AND (discounts.code IS NULL OR discounts.code
IS NULL) AND (discounts.usage_limit IS NULL OR discounts.used < discounts.usage_limit) ORDER BY discounts.id;
SELECT tax_rates.tax_class, tax_rates.rate FROM tax_rates WHERE tax_rates.country = 'US'::VARCHAR AND
(tax_rates.state IS NULL OR tax_rates.state = 'CA'::VARCHAR) AND tax_rates.valid_from <= current_date AND
(tax_rates.valid_until IS NULL OR tax_rates.valid_until >= current_date) ORDER BY tax_rates.state NULLS FIRST;
SELECT shipping_methods.code, shipping_methods.name, CASE WHEN ('30.00'::NUMERIC(12, 2) >=
shipping_methods.free_from) THEN CAST('0'::NUMERIC(12, 2) AS NUMERIC(12, 2)) ELSE coalesce((SELECT
shipping_bands.price FROM shipping_bands WHERE shipping_bands.method_id = shipping_methods.id AND
shipping_bands.up_to_grams >= '1200'::INTEGER ORDER BY shipping_bands.up_to_grams LIMIT '1'::INTEGER),
shipping_methods.price + shipping_methods.price_per_kg * '2'::INTEGER) END AS price, shipping_methods.days,
shipping_methods.carrier, shipping_methods.is_pickup FROM shipping_methods WHERE shipping_methods.is_active
AND (cardinality(shipping_methods.countries) = '0'::INTEGER OR 'US'::VARCHAR = ANY
(shipping_methods.countries)) AND ((SELECT shipping_bands.price FROM shipping_bands WHERE
shipping_bands.method_id = shipping_methods.id AND shipping_bands.up_to_grams >= '1200'::INTEGER ORDER BY
shipping_bands.up_to_grams LIMIT '1'::INTEGER) IS NOT NULL OR NOT (EXISTS (SELECT shipping_bands.id FROM
shipping_bands WHERE shipping_bands.method_id = shipping_methods.id))) ORDER BY price, shipping_methods.days,
shipping_methods.id;
INSERT INTO orders (user_id, channel, status, payment_status, fulfilment_status, currency, is_gross, subtotal,
discount, tax, shipping, total, address, billing_address, shipping_option, applied_discounts, coupon, notes,
expires_at, paid_at, shipped_at, delivered_at, cancelled_at, version) VALUES (:buyer::BIGINT, 'web'::VARCHAR,
'pending'::VARCHAR, 'unpaid'::VARCHAR, 'unfulfilled'::VARCHAR, 'EUR'::VARCHAR, 'f'::BOOLEAN,
'30.00'::NUMERIC(12, 2), '0.00'::NUMERIC(12, 2), '0.00'::NUMERIC(12, 2), '5.90'::NUMERIC(12, 2),
'35.90'::NUMERIC(12, 2),
'{"city": "San Francisco", "phone": null, "state": "CA", "country": "US", "zip_code": "94105", "full_name": "Ada Lovelace", "is_primary": false, "address_type": "home", "street_line_1": "1 Market Street", "street_line_2": null}'::JSONB,
'null'::JSONB,
'{"code": "standard", "days": 5, "name": "Standard delivery", "price": 5.9, "carrier": null, "is_pickup": false}'::JSONB,
'[]'::JSONB, NULL::VARCHAR, NULL::VARCHAR, now() + interval '30 minutes', NULL::TIMESTAMP WITH TIME ZONE,
NULL::TIMESTAMP WITH TIME ZONE, NULL::TIMESTAMP WITH TIME ZONE, NULL::TIMESTAMP WITH TIME ZONE, '1'::BIGINT)
RETURNING orders.id AS "order", orders.number, orders.created_at, orders.updated_at \gset
WITH made AS (INSERT INTO order_lines (order_id, position, item_id, kind, title, isbn, sku, quantity,
unit_price, tax_class, tax_rate, tax, discount, line_total) SELECT p0::BIGINT, p1::INTEGER, p2::BIGINT,
p3::VARCHAR, p4::VARCHAR, p5::VARCHAR, p6::VARCHAR, p7::INTEGER, p8::NUMERIC(12, 2), p9::VARCHAR,
p10::NUMERIC(6, 5), p11::NUMERIC(12, 2), p12::NUMERIC(12, 2), p13::NUMERIC(12, 2) FROM (VALUES
(:order::BIGINT, '1'::INTEGER, :item1::BIGINT, 'book'::VARCHAR, 'The 74db120f0a8e of volume 228'::VARCHAR,
'9780000002280'::VARCHAR, 'BK-000228'::VARCHAR, '1'::INTEGER, '10.00'::NUMERIC(12, 2), 'print'::VARCHAR,
'0'::NUMERIC(6, 5), '0.00'::NUMERIC(12, 2), '0.00'::NUMERIC(12, 2), '10.00'::NUMERIC(12, 2), 0),
(:order::BIGINT, '2'::INTEGER, :item2::BIGINT, 'book'::VARCHAR, 'The 57aeee35c982 of volume 229'::VARCHAR,
'9780000002297'::VARCHAR, 'BK-000229'::VARCHAR, '1'::INTEGER, '10.00'::NUMERIC(12, 2), 'print'::VARCHAR,
'0'::NUMERIC(6, 5), '0.00'::NUMERIC(12, 2), '0.00'::NUMERIC(12, 2), '10.00'::NUMERIC(12, 2), 1),
(:order::BIGINT, '3'::INTEGER, :item3::BIGINT, 'book'::VARCHAR, 'The 6da9003b743b of volume 230'::VARCHAR,
'9780000002303'::VARCHAR, 'BK-000230'::VARCHAR, '1'::INTEGER, '10.00'::NUMERIC(12, 2), 'print'::VARCHAR,
'0'::NUMERIC(6, 5), '0.00'::NUMERIC(12, 2), '0.00'::NUMERIC(12, 2), '10.00'::NUMERIC(12, 2), 2)) AS
imp_sen(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, sen_counter) ORDER BY sen_counter
RETURNING order_lines.id) SELECT min(id) AS line1, sum(id) - min(id) - max(id) AS line2, max(id) AS line3 FROM
made \gset
SELECT offer_parts.offer_id, offer_parts.item_id, offer_parts.quantity FROM offer_parts WHERE
offer_parts.offer_id IN (:item1::BIGINT, :item2::BIGINT, :item3::BIGINT) ORDER BY offer_parts.offer_id,
offer_parts.item_id;
INSERT INTO order_parts (line_id, item_id, order_id, quantity, reserved) VALUES (:line1::BIGINT,
:item1::BIGINT, :order::BIGINT, '1'::INTEGER, '1'::INTEGER), (:line2::BIGINT, :item2::BIGINT, :order::BIGINT,
'1'::INTEGER, '1'::INTEGER), (:line3::BIGINT, :item3::BIGINT, :order::BIGINT, '1'::INTEGER, '1'::INTEGER)
RETURNING order_parts.shipped, order_parts.returned, order_parts.line_id, order_parts.item_id;
SELECT order_parts.line_id, order_parts.item_id, order_lines.quantity, order_parts.quantity AS quantity_1,
order_parts.reserved, order_parts.shipped FROM order_parts JOIN order_lines ON order_lines.id =
order_parts.line_id WHERE order_parts.order_id = :order::BIGINT ORDER BY order_parts.item_id,
order_parts.line_id;
WITH wanted AS MATERIALIZED ( SELECT * FROM unnest(ARRAY[:item1, :item2, :item3]::bigint[],
'{0,0,0}'::integer[], '{1,1,1}'::integer[]) AS wanted (item_id, delta, reserved_delta) ), locked AS
MATERIALIZED ( SELECT item_id, delta, reserved_delta, on_hand, reserved, oversell_limit, available FROM
stock_levels JOIN wanted USING (item_id) ORDER BY item_id FOR UPDATE OF stock_levels ), possible AS ( SELECT
count(*) = 3 AND bool_and( on_hand + delta BETWEEN 0 AND 1000000 AND reserved + reserved_delta >= 0 AND
on_hand + delta + oversell_limit >= reserved + reserved_delta AND available >= reserved_delta) AS is_possible
FROM locked ), changed AS ( UPDATE stock_levels SET on_hand = stock_levels.on_hand + delta, reserved =
stock_levels.reserved + reserved_delta, version = version + 1 FROM locked, possible WHERE stock_levels.item_id
= locked.item_id AND is_possible RETURNING stock_levels.item_id, delta, reserved_delta, stock_levels.on_hand
), moved AS ( INSERT INTO stock_movements ( item_id, delta, reserved_delta, balance_after, kind, actor_id,
reason, order_id) SELECT item_id, delta, reserved_delta, on_hand, 'reservation', :buyer::bigint, NULL,
:order::bigint FROM changed ORDER BY item_id RETURNING id, item_id ) SELECT item_id, on_hand, available,
moved.id FROM locked LEFT JOIN moved USING (item_id) ORDER BY item_id;
INSERT INTO outbox_events (type, payload, request_id, done_at) VALUES ('order.created'::VARCHAR,
'{"total": "35.90", "number": "ORD-21487149", "user_id": 113, "currency": "EUR", "order_id": 63}'::JSONB,
'9033916feeaaebf1f285c043a9193c0e'::VARCHAR, NULL::TIMESTAMP WITH TIME ZONE) RETURNING outbox_events.id,
outbox_events.created_at, outbox_events.available_at, outbox_events.locked_until, outbox_events.attempts;
INSERT INTO order_events (order_id, kind, actor_id, note, data, is_public) VALUES (:order::BIGINT,
'placed'::VARCHAR, :buyer::BIGINT, NULL::VARCHAR, 'null'::JSONB, 't'::BOOLEAN) RETURNING order_events.id,
order_events.created_at;
SELECT pg_notify('outbox'::VARCHAR, ''::VARCHAR) AS pg_notify_1;
DELETE FROM cart_lines WHERE cart_lines.cart_id = :cart::BIGINT RETURNING cart_lines.item_id;
UPDATE carts SET version='2'::BIGINT WHERE carts.id = :cart::BIGINT;
SELECT orders.id, orders.number, orders.channel, orders.status, orders.payment_status,
orders.fulfilment_status, orders.currency, orders.is_gross, orders.subtotal, orders.discount, orders.tax,
orders.shipping, orders.total, orders.address, orders.billing_address, orders.shipping_option,
orders.applied_discounts, orders.coupon, orders.notes, orders.expires_at, orders.paid_at, orders.shipped_at,
orders.delivered_at, orders.cancelled_at, orders.created_at, orders.version, (SELECT
jsonb_agg(jsonb_build_object('id'::VARCHAR, order_lines.id, 'item_id'::VARCHAR, order_lines.item_id,
'title'::VARCHAR, order_lines.title, 'isbn'::VARCHAR, order_lines.isbn, 'quantity'::VARCHAR,
order_lines.quantity, 'unit_price'::VARCHAR, order_lines.unit_price, 'tax_rate'::VARCHAR,
order_lines.tax_rate, 'tax'::VARCHAR, order_lines.tax, 'discount'::VARCHAR, order_lines.discount,
'line_total'::VARCHAR, order_lines.line_total, 'shipped'::VARCHAR, (SELECT coalesce(min((order_parts.shipped *
order_lines.quantity) / CAST(order_parts.quantity AS NUMERIC)), '0'::INTEGER) AS coalesce_1 FROM order_parts
WHERE order_parts.line_id = order_lines.id)) ORDER BY order_lines.position) AS jsonb_agg_1 FROM order_lines
WHERE order_lines.order_id = orders.id) AS lines, CAST(pg_current_snapshot() AS TEXT) AS snapshot FROM orders
WHERE orders.number = :number::VARCHAR;
UPDATE idempotency_keys SET fingerprint=sha256('request'), answer=convert_to(repeat('x', 1500), 'UTF8') WHERE
idempotency_keys.id = sha256(convert_to('key ' || :shift::text || ' ' || :cart::text, 'UTF8')) AND
idempotency_keys.claim = '95085928-f1a3-40f0-b138-91305b1c5e06'::UUID AND idempotency_keys.answer IS NULL
RETURNING idempotency_keys.id;
SELECT CAST(pg_current_xact_id() AS TEXT) AS pg_current_xact_id_1;
COMMIT;
