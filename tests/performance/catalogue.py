"""A catalogue made by PostgreSQL itself: twenty thousand books in a second or two."""

import asyncpg

BOOKS = 20_000
_STATEMENTS = (
    """
    INSERT INTO users (username, email, email_key, password_hash)
    SELECT name, name || '@example.com', name || '@example.com', '!'
    FROM (SELECT 'seller-' || n AS name FROM generate_series(1, 50) AS n) AS sellers
    """,
    """
    INSERT INTO authors (name, sort_name)
    SELECT 'Given' || n % 97 || ' Family' || n, 'Family' || n || ', Given' || n % 97
    FROM generate_series(1, 4000) AS n
    """,
    """
    INSERT INTO categories (name, slug, path)
    SELECT 'Category ' || n, 'category-' || n, 'category-' || n FROM generate_series(1, 30) AS n
    """,
    "INSERT INTO series (name) SELECT 'Series ' || n FROM generate_series(1, 500) AS n",
    """
    INSERT INTO items (kind, sku, title, description, price, currency, tags, owner_id)
    SELECT 'book', 'BK-' || lpad(n::text, {digits}, '0'), 'The ' || left(md5(n::text), 12) || ' of volume ' || n,
           repeat('A tale of ' || n || ', told slowly and with some care. ', 6), 5 + n % 4500 / 100.0, 'EUR',
           ARRAY['tag-' || n % 40, 'tag-' || 40 + n % 17], 1 + n % 50
    FROM generate_series(1, {books}) AS n
    """,
    """
    INSERT INTO works (title) SELECT title FROM items ORDER BY id
    """,
    """
    INSERT INTO books (item_id, work_id, isbn13, publisher, published_on, published_precision, language, format, pages,
                       series_id, series_position)
    SELECT id, id, twelve || (10 - sum % 10) % 10, 'Publisher ' || id % 300, DATE '1950-01-01' + (id % 25000)::int,
           'day', (ARRAY['en', 'de', 'fr', 'es'])[1 + id % 4], (ARRAY['hardcover', 'paperback'])[1 + id % 2],
           90 + id % 700, CASE id % 5 WHEN 0 THEN 1 + id % 500 END, CASE id % 5 WHEN 0 THEN '1' END
    FROM (SELECT id, '978' || lpad(id::text, 9, '0') AS twelve FROM items) AS numbered,
         LATERAL (SELECT sum(substr(twelve, place, 1)::int * (CASE place % 2 WHEN 1 THEN 1 ELSE 3 END)) AS sum
                  FROM generate_series(1, 12) AS place) AS weighted
    """,
    """
    INSERT INTO contributors (book_id, position, author_id, role)
    SELECT item_id, place, 1 + (item_id * 7 + place) % 4000, (ARRAY['author', 'translator'])[place]
    FROM books, generate_series(1, 1 + (item_id % 2)::int) AS place
    """,
    """
    INSERT INTO book_categories (book_id, category_id)
    SELECT item_id, 1 + (item_id + place * 11) % 30 FROM books, generate_series(0, (item_id % 2)::int) AS place
    """,
    "INSERT INTO stock_levels (item_id, on_hand) SELECT id, id % 40 FROM items",
    # The throw-away server has no autovacuum.
    "VACUUM ANALYZE",
)


async def fill_catalogue(database_url: str, books: int = BOOKS) -> list[int]:
    """Fill an empty, migrated database; the ids of the books."""
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        for statement in _STATEMENTS:
            made = statement.replace("{books}", str(books)).replace("{digits}", str(max(6, len(str(books)))))
            await connection.execute(made, timeout=3600)
        return [row["item_id"] for row in await connection.fetch("SELECT item_id FROM books ORDER BY 1")]
    finally:
        await connection.close()
