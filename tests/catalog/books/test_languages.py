"""One form of a language, through whatever door it comes."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from alembic.config import Config
from fastapi import FastAPI
from sqlalchemy import text

from alembic import command
from tests.conftest import Caller, SignUp

BOOKS = "/api/v1/books"
CONFIG = Config(str(Path(__file__).parents[3] / "alembic.ini"))
CANDIDE = {"title": "Candide", "price": 5}


async def add(client: httpx.AsyncClient, seller: Caller, **fields: object) -> dict[str, Any]:
    answer = await client.post(BOOKS, json={**CANDIDE, **fields}, headers=seller.headers)
    assert answer.status_code == 201, answer.text
    book: dict[str, Any] = answer.json()
    return book


async def list_ids(client: httpx.AsyncClient, language: str) -> list[int]:
    found = await client.get(BOOKS, params={"language": language})
    return sorted(book["id"] for book in found.json()["items"])


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("fre", "fr"),
        ("fra", "fr"),
        ("FR", "fr"),
        ("eng-us", "en-US"),
        ("zho-HANT-tw", "zh-Hant-TW"),
        ("sr-LATN", "sr-Latn"),
        ("es-419", "es-419"),
        ("ger-1996", "de-1996"),
        ("de-CH-1901", "de-CH-1901"),
        ("ca-VALENCIA", "ca-valencia"),
        ("Fil", "fil"),
    ],
)
async def test_a_language_is_kept_in_its_shortest_form(
    client: httpx.AsyncClient, seller: Caller, sent: str, kept: str
) -> None:
    book = await add(client, seller, language=sent)
    assert book["language"] == kept
    other = await add(client, seller, language="la")
    path = f"{BOOKS}/{other['id']}"
    changed = await client.patch(path, json={"language": sent}, headers=seller.headers)
    assert changed.json()["language"] == kept
    assert await list_ids(client, sent) == [book["id"], other["id"]]


async def test_a_language_in_other_words_is_the_same_language(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    book = await add(client, seller, language="fr")
    path = f"{BOOKS}/{book['id']}"
    changed = await client.patch(path, json={"language": "fre"}, headers=moderator.headers)
    assert changed.json()["language"] == "fr"
    facets = (await client.get(f"{BOOKS}/facets")).json()["facets"]
    assert [(one["value"], one["count"]) for one in facets["language"]["values"]] == [("fr", 1)]


async def test_languages_from_before_are_brought_into_this_form(
    live_app: FastAPI,
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seller = await live_sign_up()
    books = {
        old: await add(live_client, seller, language="la") for old in ("fre", "zho-Hant", "en-latn", "de")
    }
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    await asyncio.to_thread(command.downgrade, CONFIG, "0015")
    async with live_app.state.database.sessions.begin() as session:
        for old, book in books.items():
            await session.execute(
                text("UPDATE books SET language = :old WHERE item_id = :id"), {"old": old, "id": book["id"]}
            )
    await asyncio.to_thread(command.upgrade, CONFIG, "head")
    for old, new in (("fre", "fr"), ("zho-Hant", "zh-Hant"), ("en-latn", "en-Latn"), ("de", "de")):
        assert await list_ids(live_client, new) == [books[old]["id"]]
        shown = await live_client.get(f"{BOOKS}/{books[old]['id']}", params={"fields": "language,version"})
        assert shown.json()["language"] == new
        # Clients that hold the old answer must not be told that it still stands.
        assert shown.json()["version"] == (1 if old == new else 2)
