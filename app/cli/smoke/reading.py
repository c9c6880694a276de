"""What anybody may ask a shop and nothing is changed by."""

from typing import Any
from urllib.parse import quote
from uuid import uuid4

from app.cli.smoke.shop import API, Check, CheckFailed, Shop, expect
from app.core.http.middleware import SECURITY_HEADERS

_PROBLEM = "application/problem+json"
_NOTHING = "no book is listed: left out"


async def _is_alive(shop: Shop) -> str:
    found = (await shop.get("/health/live")).json()
    expect(found["status"] == "alive", f"status is {found['status']!r}")
    return "alive"


async def _is_healthy(shop: Shop) -> str:
    found = (await shop.get("/health")).json()
    expect(found["status"] == "up", f"status is {found['status']!r}: see /health on the internal port")
    return str(found.get("condition", "up"))


async def _has_a_version(shop: Shop) -> str:
    found = (await shop.get("/version")).json()
    expect(found["status"] == "up", f"status is {found['status']!r}")
    return str(found.get("version", "not told to strangers"))


async def _lists_books(shop: Shop) -> str:
    found = (await shop.get(f"{API}/books?limit=5")).json()
    expect(len(found["items"]) == min(found["total"], 5), "the page is shorter than the list")
    return f"{found['total']} books"


async def _shows_a_book(shop: Shop) -> str:
    book = await _any_book(shop)
    if book is None:
        return _NOTHING
    return await _shows_and_knows_again(shop, f"{API}/books/{book['id']}", book)


async def _shows_a_book_by_isbn(shop: Shop) -> str:
    book = await _any_book(shop)
    if book is None:
        return _NOTHING
    if not book["isbn"]:
        return f"book {book['id']} has no ISBN: left out"
    return await _shows_and_knows_again(shop, f"{API}/books/isbn/{book['isbn']}", book)


async def _any_book(shop: Shop) -> dict[str, Any] | None:
    items: list[dict[str, Any]] = (await shop.get(f"{API}/books?limit=1")).json()["items"]
    return items[0] if items else None


async def _shows_and_knows_again(shop: Shop, path: str, book: dict[str, Any]) -> str:
    shown = await shop.get(path)
    expect(shown.json()["id"] == book["id"], "it is another book than the list's")
    tag = shown.headers.get("ETag")
    if tag is None:
        raise CheckFailed("it has no ETag")
    again = await shop.send("GET", path, headers={"If-None-Match": tag})
    if again.status == 200:  # noqa: PLR2004 (a write in between: the tag must have changed)
        expect(again.headers.get("ETag") != tag, "asked with its ETag, it is sent again instead of a 304")
        return "changed in between"
    again.expect_status(304)
    return f"{tag} → 304"


async def _searches(shop: Shop) -> str:
    book = await _any_book(shop)
    if book is None:
        return _NOTHING
    found = (await shop.get(f"{API}/search?limit=5&q={quote(book['title'][:100])}")).json()
    expect(bool(found["items"]), f"a search for {book['title']!r} finds nothing")
    return f"{book['title']!r}: {found['total']} found"


async def _refuses_as_a_problem(shop: Shop) -> str:
    path = f"{API}/no-such-path-{uuid4().hex[:8]}"
    answer = await shop.get(path, status=404)
    kind = answer.headers.get("Content-Type", "")
    expect(kind.startswith(_PROBLEM), f"a wrong path is answered as {kind or 'nothing'}, not {_PROBLEM}")
    problem = answer.json()
    expect(problem["status"] == 404, "the problem's status is another one than the answer's")  # noqa: PLR2004 (as asked)
    return str(problem["code"])


async def _has_security_headers(shop: Shop) -> str:
    headers = (await shop.get(f"{API}/books?limit=1")).headers
    wanted = [*SECURITY_HEADERS, "X-Request-ID"]
    if shop.base.startswith("https:"):
        wanted.append("Strict-Transport-Security")
    counts = {name: len(headers.getall(name, [])) for name in wanted}
    wrong = [f"{name}: {count}" for name, count in counts.items() if count != 1]
    expect(not wrong, f"each header must be there once: {', '.join(wrong)}")
    return f"{len(wanted)} headers"


READING: dict[str, Check] = {
    "alive": _is_alive,
    "health": _is_healthy,
    "version": _has_a_version,
    "list of books": _lists_books,
    "book by id": _shows_a_book,
    "book by ISBN": _shows_a_book_by_isbn,
    "search": _searches,
    "problem of a wrong path": _refuses_as_a_problem,
    "security headers": _has_security_headers,
}
"""Each stands for itself: one that fails keeps no other from being made."""
