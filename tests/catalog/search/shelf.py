"""Books to search for, and the search."""

from typing import Any

import httpx

SEARCH = "/api/v1/search"
BOOKS = "/api/v1/books"


async def search(client: httpx.AsyncClient, q: str, **parameters: Any) -> dict[str, Any]:
    """The page that the search answers."""
    answer = await client.get(SEARCH, params={"q": q, **parameters})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def titles(client: httpx.AsyncClient, q: str, **parameters: Any) -> list[str]:
    """The titles found, in order."""
    return [book["title"] for book in (await search(client, q, **parameters))["items"]]
