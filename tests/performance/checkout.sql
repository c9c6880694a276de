-- What POST /checkout says to PostgreSQL for a cart of three items, in the same order: recorded from the driver, with
-- variables for what differs.
\set turn :turn + 1
\set cart 1 + :client_id * :each + :turn
\set buyer :cart + :before
\set item1 1 + (:cart * 3 + 1 + :shift * 37) % 20000
\set item2 1 + (:cart * 3 + 2 + :shift * 37) % 20000
\set item3 1 + (:cart * 3 + 3 + :shift * 37) % 20000
INSERT INTO idempotency_keys (id, claim, claimed_until, fingerprint, expires_at) VALUES (sha256(convert_to('key ' ||
:shift::text || ' ' || :cart::text, 'UTF8')), '95085928-f1a3-40f0-b138-91305b1c5e06'::uuid, now() + interval
'20 seconds', sha256('request'), now() + interval '1 day') ON CONFLICT (id) DO UPDATE SET claim = excluded.claim,
claimed_until = excluded.claimed_until, fingerprint = excluded.fingerprint, answer = NULL, expires_at =
excluded.expires_at WHERE idempotency_keys.answer IS NULL AND idempotency_keys.claimed_until < now() OR
idempotency_keys.expires_at < now() RETURNING id;
BEGIN;
SELECT carts.id, carts.coupon, carts.version FROM carts WHERE carts.user_id = :buyer::BIGINT FOR UPDATE;
SELECT cart_lines.quantity, cart_lines.seen_price, items.id, items.kind, items.title, books.isbn13, items.sku,
items.price, items.currency, items.is_active, stock_levels.sale_policy, CASE WHEN (items.kind = 'bundle'::VARCHAR)
THEN (SELECT coalesce(min(CASE WHEN part.is_active THEN part_level.available / offer_parts.quantity ELSE 0::INTEGER
END), 0::INTEGER) AS coalesce_1 FROM offer_parts JOIN items AS part ON part.id = offer_parts.item_id JOIN stock_levels
AS part_level ON part_level.item_id = offer_parts.item_id WHERE offer_parts.offer_id = items.id) ELSE
coalesce(stock_levels.available, 0::INTEGER) END AS anon_1, books.format, coalesce(books.is_price_fixed, (SELECT
bool_or(books_1.is_price_fixed) AS bool_or_1 FROM books AS books_1 JOIN offer_parts ON offer_parts.item_id =
books_1.item_id WHERE offer_parts.offer_id = items.id), false::BOOLEAN) AS coalesce_4, array((SELECT
book_categories.category_id FROM book_categories WHERE book_categories.book_id = items.id)) AS array_1, array((SELECT
contributors.author_id FROM contributors WHERE contributors.book_id = items.id AND contributors.role =
'author'::VARCHAR)) AS array_2, coalesce(items.weight_grams, CASE WHEN (items.kind = 'bundle'::VARCHAR) THEN (SELECT
CASE WHEN bool_and(part.weight_grams IS NOT NULL) THEN sum(part.weight_grams * offer_parts.quantity) END AS anon_2
FROM offer_parts JOIN items AS part ON part.id = offer_parts.item_id JOIN stock_levels AS part_level ON
part_level.item_id = offer_parts.item_id WHERE offer_parts.offer_id = items.id) ELSE items.weight_grams END) AS
coalesce_6, array((SELECT coalesce(books_1.format, CASE WHEN (books_1.item_id IS NOT NULL) THEN 'other'::VARCHAR END)
AS coalesce_7 FROM offer_parts LEFT OUTER JOIN books AS books_1 ON books_1.item_id = offer_parts.item_id WHERE
offer_parts.offer_id = items.id)) AS array_3 FROM items LEFT OUTER JOIN books ON books.item_id = items.id LEFT OUTER
JOIN stock_levels ON stock_levels.item_id = items.id JOIN cart_lines ON cart_lines.item_id = items.id WHERE
cart_lines.cart_id = :cart::BIGINT ORDER BY cart_lines.added_at, cart_lines.item_id;
SELECT discounts.id, discounts.name, discounts.code, discounts.discount_type, discounts.value, discounts.min_order,
discounts.max_discount, discounts.is_exclusive, discounts.priority, discounts.item_ids, discounts.category_ids,
discounts.author_ids, coalesce(discount_uses.used >= discounts.per_customer_limit, false::BOOLEAN) AS coalesce_1 FROM
discounts LEFT OUTER JOIN discount_uses ON discount_uses.discount_id = discounts.id AND discount_uses.user_id =
:buyer::BIGINT WHERE discounts.is_active AND discounts.starts_at <= now()::TIMESTAMP WITH TIME ZONE AND NOT
coalesce(discounts.ends_at <= now()::TIMESTAMP WITH TIME ZONE, false::BOOLEAN) AND (discounts.code IS NULL OR
discounts.code = NULL::VARCHAR) AND (discounts.usage_limit IS NULL OR discounts.used < discounts.usage_limit) ORDER BY
discounts.id;
SELECT tax_rates.tax_class, tax_rates.rate FROM tax_rates WHERE tax_rates.country = 'US'::VARCHAR AND (tax_rates.state
IS NULL OR tax_rates.state = 'CA'::VARCHAR) AND tax_rates.valid_from <= current_date::DATE AND (tax_rates.valid_until
IS NULL OR tax_rates.valid_until >= current_date::DATE) ORDER BY tax_rates.state NULLS FIRST;
SELECT shipping_methods.code, shipping_methods.name, CASE WHEN ('30.00'::NUMERIC(12, 2) >= shipping_methods.free_from)
THEN CAST(0::NUMERIC(12, 2) AS NUMERIC(12, 2)) ELSE coalesce((SELECT shipping_bands.price FROM shipping_bands WHERE
shipping_bands.method_id = shipping_methods.id AND shipping_bands.up_to_grams >= 1200::INTEGER ORDER BY
shipping_bands.up_to_grams LIMIT 1::INTEGER), shipping_methods.price + shipping_methods.price_per_kg * 2::INTEGER) END
AS price, shipping_methods.days, shipping_methods.carrier, shipping_methods.is_pickup FROM shipping_methods WHERE
shipping_methods.is_active AND (cardinality(shipping_methods.countries) = 0::INTEGER OR 'US'::VARCHAR = ANY
(shipping_methods.countries)) AND ((SELECT shipping_bands.price FROM shipping_bands WHERE shipping_bands.method_id =
shipping_methods.id AND shipping_bands.up_to_grams >= 1200::INTEGER ORDER BY shipping_bands.up_to_grams LIMIT
1::INTEGER) IS NOT NULL OR NOT (EXISTS (SELECT shipping_bands.id FROM shipping_bands WHERE shipping_bands.method_id =
shipping_methods.id))) AND (NOT false::BOOLEAN OR NOT shipping_methods.refuses_po_box OR shipping_methods.is_pickup)
ORDER BY price, shipping_methods.days, shipping_methods.id;
WITH placed AS ( INSERT INTO orders ( user_id, channel, status, payment_status, fulfilment_status, currency, is_gross,
subtotal, discount, tax, shipping, total, coupon, notes, expires_at, address, billing_address, shipping_option,
applied_discounts) VALUES (:buyer, 'web', 'pending', 'unpaid', 'unfulfilled', 'EUR', false, '30.00', '0.00', '0.00',
'5.90', '35.90', NULL, NULL, now() + interval '30 minutes',
'{"full_name": "Ada Lovelace", "street_line_1": "1 Market Street", "street_line_2": null, "city": "San Francisco", "state": "CA", "zip_code": "94105", "country": "US", "phone": null, "address_type": "home", "is_primary": false}',
NULL,
'{"code": "standard", "name": "Standard delivery", "price": 5.9, "days": 5, "carrier": null, "is_pickup": false}',
'[]') RETURNING id, number, created_at ), written AS ( INSERT INTO order_lines ( order_id, position, item_id, kind,
title, isbn, sku, quantity, unit_price, tax_class, tax_rate, tax, discount, line_total) SELECT placed.id,
line.position, line.item_id, kind, title, isbn, sku, quantity, unit_price, tax_class, tax_rate, tax, discount,
line_total FROM placed, unnest( ARRAY[:item1, :item2, :item3]::bigint[], '{"book","book","book"}'::text[],
'{"The 73a32464b3cb of volume 11774","The 88059058ba56 of volume 11775","The ffa62ed6b346 of volume 11776"}'::text[],
'{"9780000117748","9780000117755","9780000117762"}'::text[], '{"BK-011774","BK-011775","BK-011776"}'::text[],
'{1,1,1}'::integer[], '{10.00,10.00,10.00}'::numeric[], '{"print","print","print"}'::text[], '{0,0,0}'::numeric[],
'{0.00,0.00,0.00}'::numeric[], '{0.00,0.00,0.00}'::numeric[], '{10.00,10.00,10.00}'::numeric[]) WITH ORDINALITY AS
line ( item_id, kind, title, isbn, sku, quantity, unit_price, tax_class, tax_rate, tax, discount, line_total,
position) ORDER BY line.position RETURNING id, position, item_id, quantity ), taken AS ( INSERT INTO order_parts
(order_id, line_id, item_id, quantity, reserved, shipped) SELECT placed.id, written.id, coalesce(part.item_id,
written.item_id), pieces, CASE WHEN false THEN 0 ELSE pieces END, CASE WHEN false THEN pieces ELSE 0 END FROM placed,
written LEFT JOIN offer_parts AS part ON part.offer_id = written.item_id, LATERAL (SELECT written.quantity *
coalesce(part.quantity, 1)) AS each (pieces) RETURNING item_id, quantity ), noted AS ( INSERT INTO order_events
(order_id, kind, actor_id) SELECT id, 'placed', :buyer::bigint FROM placed WHERE NOT false ) SELECT placed.id AS
order, placed.number, placed.created_at, ARRAY(SELECT id FROM written ORDER BY position) AS line_ids, part.item_ids,
part.pieces FROM placed, (SELECT array_agg(item_id) AS item_ids, array_agg(quantity) AS pieces FROM taken) AS part
\gset
WITH wanted AS MATERIALIZED ( SELECT * FROM unnest(ARRAY[:item1, :item2, :item3]::bigint[], '{0,0,0}'::integer[],
'{1,1,1}'::integer[]) AS wanted (item_id, delta, reserved_delta) ), locked AS MATERIALIZED ( SELECT item_id, delta,
reserved_delta, on_hand, reserved, oversell_limit, available FROM stock_levels JOIN wanted USING (item_id) ORDER BY
item_id FOR UPDATE OF stock_levels ), possible AS ( SELECT count(*) = 3 AND bool_and( on_hand + delta BETWEEN 0 AND
1000000 AND reserved + reserved_delta >= 0 AND on_hand + delta + oversell_limit >= reserved + reserved_delta AND
available >= reserved_delta) AS is_possible FROM locked ), changed AS ( UPDATE stock_levels SET on_hand =
stock_levels.on_hand + delta, reserved = stock_levels.reserved + reserved_delta, version = version + 1 FROM locked,
possible WHERE stock_levels.item_id = locked.item_id AND is_possible RETURNING stock_levels.item_id, delta,
reserved_delta, stock_levels.on_hand ), moved AS ( INSERT INTO stock_movements ( item_id, delta, reserved_delta,
balance_after, kind, actor_id, reason, order_id) SELECT item_id, delta, reserved_delta, on_hand, 'reservation',
:buyer::bigint, NULL, :order::bigint FROM changed ORDER BY item_id RETURNING id, item_id ) SELECT item_id, on_hand,
available, moved.id FROM locked LEFT JOIN moved USING (item_id) ORDER BY item_id;
WITH written AS (INSERT INTO outbox_events (type, payload, request_id, subject, user_id) VALUES ('order.created',
'{"order_id": 2111, "number": "ORD-48561453", "user_id": 91, "total": "35.90", "currency": "EUR"}',
'5b6e17764f5eb22abff5c40514dd249c', 'order' || chr(58) || 'ORD-48561453', :buyer)) SELECT pg_notify('outbox', ''),
pg_current_xact_id()::text AS xid;
WITH gone AS (DELETE FROM cart_lines WHERE cart_id = :cart) UPDATE carts SET version = version + 1, coupon = NULL,
warnings = '[]', expires_at = CASE WHEN token_hash IS NOT NULL THEN (now() + interval '30 days')::timestamptz END
WHERE id = :cart;
UPDATE idempotency_keys SET answer = convert_to(repeat('x', 1500), 'UTF8'), fingerprint = sha256('request') WHERE id =
sha256(convert_to('key ' || :shift::text || ' ' || :cart::text, 'UTF8')) AND claim =
'95085928-f1a3-40f0-b138-91305b1c5e06'::uuid AND answer IS NULL RETURNING id;
COMMIT;
