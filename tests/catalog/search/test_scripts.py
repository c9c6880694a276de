"""Searches in scripts other than the Latin one, and from one script for another."""

import unicodedata

import httpx
import pytest
from anyascii import anyascii
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.catalog.search.shelf import search, titles
from tests.conftest import Caller
from tests.factories import a_book


@pytest.mark.parametrize(
    ("title", "author", "queries"),
    [
        (
            "ノルウェイの森",
            "村上 春樹",
            [
                "ノルウェイ",
                "ウェイ",
                "の森",
                "森",
                "ノ",
                "ノルウェイの森",
                "村上春樹",
                "村上 春樹",
                "春樹 村上",
                "春樹",
                "上春",
                "樹",
                "ﾉﾙｳｪｲ",
            ],
        ),
        ("红楼梦", "曹雪芹", ["红楼", "楼梦", "梦", "曹雪芹", "雪芹 红楼"]),
        ("채식주의자", "한강", ["채식", "주의", "의자", "한강", "채식주의자 한강"]),
        ("容疑者Xの献身", "東野圭吾", ["容疑者x", "容疑者Xの献身", "献身", "x 献身"]),
        (
            "ハリー・ポッターと賢者の石",
            "J.K.ローリング",
            ["ハリーポッター", "ハリー・ポッター", "賢者の石", "ローリング"],
        ),
    ],
)
async def test_chinese_japanese_and_korean_are_found_from_any_place(
    client: httpx.AsyncClient, seller: Caller, title: str, author: str, queries: list[str]
) -> None:
    await a_book(client, seller, title, author=author)
    await a_book(client, seller, "東京")
    for q in queries:
        assert (q, await titles(client, q)) == (q, [title])


@pytest.mark.parametrize(
    "typed", ["ノルウェイ", "ウェイの", "ウェイの森", "の森", "村上の", "الأي", "Dostoev"]
)
async def test_suggestions_know_other_scripts(client: httpx.AsyncClient, seller: Caller, typed: str) -> None:
    await a_book(client, seller, "村上のノルウェイの森", author="Фёдор Достоевский")
    await a_book(client, seller, "كِتَابُ الأَيَّام")
    answer = await client.get("/api/v1/suggest", params={"q": typed})
    assert [one["id"] for one in answer.json()["items"]] != []


async def test_characters_in_another_order_are_another_word(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "東京", description="日本の首都。")
    assert await titles(client, "京東") == []
    assert await titles(client, "首都") == ["東京"]
    assert await titles(client, '"東京"') == ["東京"]
    assert await titles(client, "首都 -東京") == []


@pytest.mark.parametrize(
    ("title", "queries"),
    [
        ("كِتَابُ الأَيَّام", ["كتاب", "الايام", "الأيام", "كتــاب", "كِتاب"]),
        ("آمال وإيمان", ["امال", "أمال", "وايمان"]),
        ("שִׁיר הַשִּׁירִים", ["שיר", "השירים", "שִׁיר"]),
        ("مکتبی", ["مكتبي", "مکتبی"]),
        ("١٩٨٤ رواية", ["1984", "١٩٨٤", "۱۹۸۴"]),
    ],
)
async def test_marks_and_forms_of_letters_do_not_count(
    client: httpx.AsyncClient, seller: Caller, title: str, queries: list[str]
) -> None:
    await a_book(client, seller, title)
    for q in queries:
        assert (q, await titles(client, q)) == (q, [title])


@pytest.mark.parametrize(
    ("name", "queries"),
    [
        (
            "Фёдор Достоевский",
            ["dostoevsky", "Dostoyevsky", "dostoevskiy", "fedor dostoevsky", "достоевский"],
        ),
        ("Лев Толстой", ["tolstoy", "Tolstoi", "lev tolstoy"]),
        ("Антон Чехов", ["chekhov", "anton chekhov"]),
        ("Николай Гоголь", ["gogol", "nikolai gogol", "nikolay gogol"]),
        ("Тарас Шевченко", ["shevchenko"]),
        ("Νίκος Καζαντζάκης", ["kazantzakis", "nikos kazantzakis", "Καζαντζακης"]),
        ("Γιώργος Παπαδόπουλος", ["papadopoulos"]),
    ],
)
async def test_names_in_cyrillic_and_greek_are_found_from_latin_letters(
    client: httpx.AsyncClient, seller: Caller, name: str, queries: list[str]
) -> None:
    await a_book(client, seller, "A Book", author=name)
    for q in queries:
        page = await search(client, q)
        assert (q, [(book["author"], book["match"]) for book in page["items"]]) == (q, [(name, "text")])
        listed = await client.get("/api/v1/books", params={"author": q})
        assert (q, [book["author"] for book in listed.json()["items"]]) == (q, [name])


async def test_a_name_in_latin_letters_is_found_from_cyrillic_ones(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "War and Peace", author="Leo Tolstoy")
    assert await titles(client, "Толстой") == ["War and Peace"]


async def test_letters_are_those_of_the_library(connection: AsyncConnection) -> None:
    letters = [chr(code) for code in (*range(0x370, 0x400), *range(0x400, 0x530))]
    lower = [one for one in letters if one.isalpha() and one == one.lower() == one.casefold()]
    shown = await connection.execute(
        text(
            "SELECT letter, in_latin_letters('z' || letter || 'z') FROM unnest(CAST(:letters AS text[])) AS letter"
        ),
        {"letters": lower},
    )
    for letter, latin in shown:
        expected = "".join(one for one in anyascii(letter).lower() if one.isalnum())
        assert f"z{expected}z" in latin.split(), (letter, unicodedata.name(letter))
