"""HEAD on every GET, OPTIONS everywhere, 405 with every method there is, and who may keep an answer."""

import httpx
import pytest
from fastapi.routing import APIRoute

from app.api import ROUTERS
from devstack import Servers
from tests.conftest import Caller, SignUp, client_of, running_app, settings_for

BOOKS = "/api/v1/books"
ROUTES = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
GETS = sorted(route.path for route in ROUTES if route.methods == {"GET"} and "{" not in route.path)
PUBLIC = "public, no-cache"


@pytest.mark.parametrize("path", GETS)
async def test_head_answers_as_get_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    read, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (read.status_code, b"")
    # The worker counts what it has to ask for, not what it answers from its cache.
    limits = {
        "ratelimit",
        "ratelimit-policy",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
    }
    per_request = {"x-request-id", "x-process-time", "date"} | limits
    # What tells the time or measures differs from one answer to the next.
    if read.status_code == 200 and not path.startswith(("/metrics", "/health", "/version")):
        assert {k: v for k, v in head.headers.items() if k not in per_request} == {
            k: v for k, v in read.headers.items() if k not in per_request
        }


async def test_head_of_a_book_has_its_tag_and_understands_if_none_match(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    made = await client.post(BOOKS, json={"title": "Emma", "price": 5}, headers=seller.headers)
    path = made.headers["location"]
    cold, warm = await client.head(path), await client.head(path)
    assert cold.headers["etag"] == warm.headers["etag"] == made.headers["etag"]
    assert int(warm.headers["content-length"]) == len((await client.get(path)).content)
    unchanged = await client.head(path, headers={"If-None-Match": warm.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    missing = await client.head(f"{BOOKS}/999999999")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_if_none_match_of_several_lines_is_one_list(client: httpx.AsyncClient) -> None:
    tag = (await client.get(BOOKS)).headers["etag"]
    for lines in ([tag, '"other"'], ['"other"', f"W/{tag}"]):
        answer = await client.get(BOOKS, headers=[("If-None-Match", line) for line in lines])
        assert answer.status_code == 304, lines


async def test_a_kept_answer_is_for_its_own_address_alone(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller, linked = await live_sign_up(), "application/ld+json"
    made = await live_client.post(BOOKS, json={"title": "Emma", "price": 5}, headers=seller.headers)
    path = made.headers["location"]
    for _ in range(2):
        assert (await live_client.get(f"{path}?fields=title")).json() == {"id": 1, "title": "Emma"}
        assert (await live_client.get(path, headers={"Accept": linked})).json()["@type"] == "Book"
        # In a path `?` and `#` are written as %3F and %23; what follows them is then no query.
        assert (await live_client.get(f"{path}%3Ffields=title")).status_code == 422
        assert (await live_client.get(f"{path}%23{linked.replace('/', '%2F')}")).status_code == 404


async def test_head_is_refused_where_there_is_no_get(client: httpx.AsyncClient) -> None:
    answer = await client.head("/api/v1/auth/token")
    assert (answer.status_code, answer.content) == (405, b"")
    assert answer.headers["allow"] == "OPTIONS, POST"


async def test_options_lists_the_methods_of_all_routes_at_a_path(client: httpx.AsyncClient) -> None:
    answer = await client.options(f"{BOOKS}/7")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    nowhere = await client.options("/api/v1/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "no-such-route")


async def test_a_refused_method_is_a_problem_that_lists_the_right_ones(client: httpx.AsyncClient) -> None:
    answer = await client.request("PROPFIND", f"{BOOKS}/7")
    assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert "PATCH" in answer.json()["detail"]


def shared_address(path: str, pattern: str) -> str | None:
    """An address that both match, if there is one and the path is the first to have a word where they differ."""
    parts, others = path.split("/"), pattern.split("/")
    if len(parts) != len(others):
        return None
    address, first = [], None
    for part, other in zip(parts, others, strict=True):
        is_word, is_others_word = "{" not in part, "{" not in other
        if is_word and is_others_word and part != other:
            return None
        if first is None and is_word != is_others_word:
            first = part
        address.append(part if is_word else other if is_others_word else "7")
    return "/".join(address) if first is not None and "{" not in first else None


METHODS: dict[str, set[str]] = {}
for each in ROUTES:
    METHODS.setdefault(each.path, set()).update(each.methods or ())
OWN_PATHS = {path: methods for path, methods in METHODS.items() if "{" not in path} | {
    address: methods
    for path, methods in METHODS.items()
    for pattern in METHODS
    if (address := shared_address(path, pattern)) is not None
}


def test_the_walk_meets_words_before_and_after_parameters() -> None:
    assert {f"{BOOKS}/facets", f"{BOOKS}/isbn/cover", f"{BOOKS}/isbn/prices"} <= OWN_PATHS.keys()


@pytest.mark.parametrize("path", sorted(OWN_PATHS))
async def test_a_path_of_its_own_does_not_lend_the_methods_of_a_pattern(
    client: httpx.AsyncClient, path: str
) -> None:
    methods = OWN_PATHS[path] | {"OPTIONS"} | ({"HEAD"} if "GET" in OWN_PATHS[path] else set())
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"):
        if method in methods:
            continue
        answer = await client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (405, "method-not-allowed"), method
        assert answer.headers["allow"] == ", ".join(sorted(methods))
    options = await client.options(path)
    assert (options.status_code, options.headers["allow"]) == (204, ", ".join(sorted(methods)))


async def test_put_of_the_facets_is_no_put_of_a_book(client: httpx.AsyncClient, seller: Caller) -> None:
    for headers in ({}, seller.headers):
        answer = await client.put(f"{BOOKS}/facets", json={}, headers=headers)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (await client.put(f"{BOOKS}/7", json={})).status_code == 401


async def test_a_cover_is_set_by_id_alone(client: httpx.AsyncClient, seller: Caller) -> None:
    for headers in ({}, seller.headers):
        for word in ("cover", "prices", "9780141439587"):
            answer = await client.put(f"{BOOKS}/isbn/{word}", json={}, headers=headers)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS"), word
    assert (await client.put(f"{BOOKS}/7/cover", json={})).status_code == 401
    options = await client.options(f"{BOOKS}/7/cover")
    assert options.headers["allow"] == "DELETE, OPTIONS, PUT"


async def test_files_of_the_docs_are_only_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/docs/assets/swagger-ui.css")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_anybody_may_keep_what_anybody_sees(client: httpx.AsyncClient) -> None:
    cold, warm = await client.get(BOOKS), await client.get(BOOKS)
    for answer in (cold, warm):
        assert answer.headers["cache-control"] == PUBLIC
        assert answer.headers["vary"] == "Accept, Authorization, Cookie, X-API-Key, Origin"


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "Cookie"])
async def test_nobody_keeps_what_was_asked_with_credentials(client: httpx.AsyncClient, name: str) -> None:
    for _ in range(2):
        answer = await client.get(BOOKS, headers={name: "something"})
        assert answer.headers["cache-control"] == "private, no-store"
    assert (await client.get(BOOKS)).headers["cache-control"] == PUBLIC


async def test_a_list_has_a_new_tag_when_a_row_changes_moves_or_vanishes(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    paths = []
    for title in ("Emma", "Persuasion"):
        made = await client.post(BOOKS, json={"title": title, "price": 5}, headers=seller.headers)
        paths.append(made.headers["location"])
    tags = [(await client.get(BOOKS)).headers["etag"]]
    await client.patch(paths[0], json={"price": 6}, headers=seller.headers)
    tags.append((await client.get(BOOKS)).headers["etag"])
    await client.patch(paths[0], json={"title": "Sanditon"}, headers=seller.headers)
    tags.append((await client.get(BOOKS)).headers["etag"])
    await client.delete(paths[1], headers=seller.headers)
    tags.append((await client.get(BOOKS)).headers["etag"])
    assert len(set(tags)) == 4
    known = await client.get(BOOKS, headers={"If-None-Match": tags[-1]})
    assert known.status_code == 304
    stale = await client.get(BOOKS, headers={"If-None-Match": ", ".join(tags[:-1])})
    assert stale.status_code == 200


async def test_an_answer_kept_for_one_origin_is_not_another_ones(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, cors={"origins": "https://shop.example.com"})
    async with running_app(settings) as application, client_of(application) as client:
        without = await client.get(BOOKS)
        assert "Origin" in without.headers["vary"]
        listed = await client.get(BOOKS, headers={"Origin": "https://shop.example.com"})
        assert listed.headers["access-control-allow-origin"] == "https://shop.example.com"
        head = await client.options(
            BOOKS,
            headers={"Origin": "https://shop.example.com", "Access-Control-Request-Method": "HEAD"},
        )
        assert head.status_code == 200
        assert "HEAD" in head.headers["access-control-allow-methods"]
