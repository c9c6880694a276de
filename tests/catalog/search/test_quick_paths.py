"""Text in plain ASCII takes a shorter way through the database's functions, to the same place."""

import itertools
import re

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

SLOWLY = r"""
    btrim(regexp_replace(
        regexp_replace(translate(line, '''`´ʹʻʼʽʾʿˈ', ''), '[^[\:alnum\:]\n]+' COLLATE pg_c_utf8, ' ', 'g'),
        '\m([[\:alpha\:]]) (?=[[\:alpha\:]]\M)' COLLATE pg_c_utf8, '\1', 'g'))
"""
LINES = ["".join(line) for size in range(1, 6) for line in itertools.product("ab1 \n'", repeat=size)]


async def test_every_ascii_character_folds_as_the_long_way_folds_it(connection: AsyncConnection) -> None:
    other = await connection.execute(
        text(
            "SELECT code FROM generate_series(1, 127) AS code WHERE fold(chr(code)) <> fold_accented(chr(code))"
        )
    )
    assert other.all() == []


async def test_plain_lines_are_what_the_expressions_make_of_them(connection: AsyncConnection) -> None:
    other = await connection.execute(
        text(f"SELECT line FROM unnest(CAST(:lines AS text[])) AS line WHERE plain_words(line) <> {SLOWLY}"),  # noqa: S608 (a constant)
        {"lines": LINES},
    )
    assert other.all() == []


async def test_plain_text_is_parsed_as_the_long_way_parses_it(connection: AsyncConnection) -> None:
    lines = ["".join(line) for size in range(1, 6) for line in itertools.product("aB1 \n,:", repeat=size)]
    found = await connection.scalars(
        text(
            "SELECT line FROM unnest(CAST(:lines AS text[])) AS line"
            " WHERE search_vector(line) <> to_tsvector('simple', search_text(line))"
        ),
        {"lines": lines},
    )
    other = found.all()
    assert [line for line in other if not re.search(r"\b[aB][ ,:]+[aB]\b", line)] == []
    assert {"a B", "a:B", "a, B"} <= set(other), "initials are found one by one too"


async def test_nothing_stays_nothing(connection: AsyncConnection) -> None:
    assert (await connection.execute(text("SELECT fold(NULL), search_text(NULL)"))).one() == (None, None)
