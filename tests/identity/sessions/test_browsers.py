"""Logging in with cookies, and what a page must show to write with them."""

from collections.abc import AsyncIterator

import httpx
import pytest
from dirty_equals import IsStr
from fastapi import FastAPI

from app.core.settings.settings import Environment
from devstack import Servers
from tests.conftest import PASSWORD, Caller, client_of, make_account, running_app, settings_for
from tests.identity.sessions.calls import AUTH, ME, OWN_ORIGIN, status_of_me

SHOP = "https://shop.example.com"
BOOK = {"title": "Sketches", "author": "Ada", "isbn": "9780306406157", "price": 9.5, "description": "Notes."}
BOOKS = "/api/v1/books"


@pytest.fixture
async def browser(app: FastAPI, client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Keeps Secure cookies, so it speaks https."""
    del client
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as http:
        yield http


async def log_in_browser(browser: httpx.AsyncClient, caller: Caller, **headers: str) -> httpx.Response:
    form = {"username": caller.username, "password": PASSWORD}
    return await browser.post(f"{AUTH}/login", data=form, headers=headers)


async def logged_in(browser: httpx.AsyncClient, caller: Caller) -> dict[str, str]:
    answer = await log_in_browser(browser, caller)
    assert answer.status_code == 200
    return {"Origin": OWN_ORIGIN, "X-CSRF-Token": answer.json()["csrf_token"]}


async def test_the_tokens_come_in_cookies_that_scripts_cannot_read(
    browser: httpx.AsyncClient, seller: Caller
) -> None:
    answer = await log_in_browser(browser, seller)
    assert answer.json() == {
        "token_type": "cookie",
        "csrf_token": IsStr(),
        "expires_in": 900,
        "scope": "items:write orders:read orders:write profile:read profile:write",
    }
    assert answer.headers["cache-control"] == "no-store"
    cookies = {cookie.split("=")[0]: cookie.split("; ") for cookie in answer.headers.get_list("set-cookie")}
    # The prefix asks the browser for just this: Secure, the whole host, and no Domain.
    assert set(cookies) == {"__Host-access_token", "__Host-refresh_token", "__Host-csrf_token"}
    for name, parts in cookies.items():
        assert {"Secure", "SameSite=strict", "Path=/"} <= set(parts)
        assert ("HttpOnly" in parts) == (name != "__Host-csrf_token")
        assert not any(part.startswith("Domain") for part in parts)
    assert cookies["__Host-csrf_token"][0] == f"__Host-csrf_token={answer.json()['csrf_token']}"
    assert (await browser.get(ME)).json()["username"] == seller.username


async def test_a_write_by_cookie_needs_origin_and_csrf_token(
    browser: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    good = await logged_in(browser, seller)
    foreign = (await logged_in_elsewhere(browser, moderator))["X-CSRF-Token"]
    session_id = good["X-CSRF-Token"].partition(".")[0]
    attacks: list[dict[str, str]] = [
        {},
        {"Origin": OWN_ORIGIN},
        {"X-CSRF-Token": good["X-CSRF-Token"]},
        {**good, "Origin": "https://evil.example"},
        {**good, "Origin": "null"},
        {**good, "Origin": OWN_ORIGIN + ".evil.example"},
        {**good, "X-CSRF-Token": foreign},
        {**good, "X-CSRF-Token": session_id},
        {**good, "X-CSRF-Token": f"{session_id}.{'0' * 64}"},
        {**good, "X-CSRF-Token": ""},
    ]
    for headers in attacks:
        answer = await browser.post(BOOKS, json=BOOK, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf-refused"), headers
    assert (await browser.post(BOOKS, json=BOOK, headers=good)).status_code == 201
    # Whatever name the shop is reached by, its own pages may write, but only over TLS.
    same_host = {**good, "Origin": "https://testserver"}
    assert (await browser.delete(f"{BOOKS}/0", headers=same_host)).status_code in {404, 422}
    in_plain = {**good, "Origin": "http://testserver"}
    assert (await browser.delete(f"{BOOKS}/0", headers=in_plain)).status_code == 403


async def logged_in_elsewhere(browser: httpx.AsyncClient, caller: Caller) -> dict[str, str]:
    jar = dict(browser.cookies)
    browser.cookies.clear()
    headers = await logged_in(browser, caller)
    browser.cookies = httpx.Cookies(jar)
    return headers


async def test_a_bearer_token_wins_over_the_cookie_and_needs_no_csrf_token(
    browser: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await logged_in(browser, seller)
    answer = await browser.get(ME, headers=moderator.headers)
    assert answer.json()["username"] == moderator.username
    assert (await browser.post(BOOKS, json=BOOK, headers=moderator.headers)).status_code == 201


async def test_refresh_and_logout_work_from_the_cookie(browser: httpx.AsyncClient, seller: Caller) -> None:
    good = await logged_in(browser, seller)
    before = browser.cookies["__Host-refresh_token"], browser.cookies["__Host-access_token"]
    assert (await browser.post(f"{AUTH}/refresh")).json()["code"] == "csrf-refused"
    answer = await browser.post(f"{AUTH}/refresh", headers=good)
    assert answer.json() == {
        "token_type": "cookie",
        "csrf_token": good["X-CSRF-Token"],
        "expires_in": 900,
        "scope": "items:write orders:read orders:write profile:read profile:write",
    }
    assert browser.cookies["__Host-refresh_token"] != before[0]
    access_token = browser.cookies["__Host-access_token"]
    assert access_token != before[1]
    assert (await browser.get(ME)).status_code == 200
    assert (await browser.post(f"{AUTH}/logout")).json()["code"] == "csrf-refused"
    # The refresh cookie suffices: the access token may have expired by now.
    browser.cookies.delete("__Host-access_token")
    answer = await browser.post(f"{AUTH}/logout", headers=good)
    assert answer.status_code == 204
    assert all("Max-Age=0" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert not browser.cookies
    assert await status_of_me(browser, access_token) == 401
    assert (await browser.post(f"{AUTH}/logout", headers=good)).json()["code"] == "not-authenticated"


async def test_another_sessions_csrf_token_refreshes_nothing(
    browser: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    good = await logged_in(browser, seller)
    foreign = await logged_in_elsewhere(browser, moderator)
    answer = await browser.post(f"{AUTH}/refresh", headers=foreign)
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf-refused")
    assert (await browser.post(f"{AUTH}/logout", headers=foreign)).status_code == 403
    assert (await browser.post(f"{AUTH}/refresh", headers=good)).status_code == 200


async def test_a_page_of_another_site_cannot_log_a_browser_in(
    browser: httpx.AsyncClient, seller: Caller
) -> None:
    answer = await log_in_browser(browser, seller, Origin="https://evil.example")
    assert (answer.status_code, answer.json()["code"]) == (403, "csrf-refused")
    assert not browser.cookies
    assert (await log_in_browser(browser, seller, Origin=OWN_ORIGIN)).status_code == 200


async def test_a_page_that_was_loaded_anew_reads_its_csrf_token(
    browser: httpx.AsyncClient, seller: Caller
) -> None:
    assert (await browser.get(f"{AUTH}/csrf")).json()["code"] == "not-authenticated"
    good = await logged_in(browser, seller)
    answer = await browser.get(f"{AUTH}/csrf", headers={"Origin": OWN_ORIGIN})
    assert answer.json() == {"csrf_token": good["X-CSRF-Token"]}
    refused = await browser.get(f"{AUTH}/csrf", headers={"Origin": "https://evil.example"})
    assert refused.json()["code"] == "csrf-refused"


async def test_an_allowed_origin_may_preflight_and_write(servers: Servers, empty_database_url: str) -> None:
    settings = settings_for(
        servers, empty_database_url, cors={"origins": [SHOP]}, environment=Environment.DEVELOPMENT
    )
    async with running_app(settings) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        async with client_of(app) as page:
            wanted = "x-csrf-token,x-api-key,idempotency-key,content-type"
            preflight = {
                "Origin": SHOP,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": wanted,
            }
            answer = await page.options(BOOKS, headers=preflight)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == SHOP
            assert answer.headers["access-control-allow-credentials"] == "true"
            login = await log_in_browser(page, caller, Origin=SHOP)
            # Plain http, as in development: the only place where cookies are not Secure.
            assert not any("Secure" in cookie for cookie in login.headers.get_list("set-cookie"))
            headers = {"Origin": SHOP, "X-CSRF-Token": login.json()["csrf_token"]}
            assert (await page.post(BOOKS, json=BOOK, headers=headers)).status_code == 201


async def test_a_cookie_without_the_prefix_is_not_ours(browser: httpx.AsyncClient, seller: Caller) -> None:
    await logged_in(browser, seller)
    planted = {name.removeprefix("__Host-"): value for name, value in browser.cookies.items()}
    browser.cookies = httpx.Cookies(planted)
    assert (await browser.get(ME)).json()["code"] == "not-authenticated"
    assert (await browser.get(f"{AUTH}/csrf")).json()["code"] == "not-authenticated"


@pytest.mark.parametrize("name", ["access_token", "refresh_token", "csrf_token"])
async def test_two_cookies_of_one_of_our_names_are_refused_wherever_one_is_read(
    browser: httpx.AsyncClient, seller: Caller, name: str
) -> None:
    good = await logged_in(browser, seller)
    sent = "; ".join(f"{each}={value}" for each, value in browser.cookies.items())
    browser.cookies.clear()
    form = {"username": seller.username, "password": PASSWORD}
    passkey = {"credential": {}, "cookies": True}
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("GET", ME, {}),
        ("POST", BOOKS, {"json": BOOK}),
        ("GET", f"{AUTH}/csrf", {}),
        ("POST", f"{AUTH}/refresh", {}),
        ("POST", f"{AUTH}/logout", {}),
        ("POST", f"{AUTH}/login", {"data": form}),
        ("POST", f"{AUTH}/mfa", {"json": {"mfa_token": "x", "code": "123456", "cookies": True}}),
        ("POST", f"{AUTH}/passkeys/login/verify", {"json": passkey}),
    ]
    planted = f"__Host-{name}=planted"
    for cookies in (f"{sent}; {planted}", f"{planted}; {sent}", f"{sent};{planted}"):
        for method, path, body in calls:
            headers = {**good, "Cookie": cookies}
            answer = await browser.request(method, path, headers=headers, **body)  # type: ignore[arg-type]  # httpx types each keyword
            assert (answer.status_code, answer.json()["code"]) == (400, "doubled-cookie"), (method, path)
            assert "set-cookie" not in answer.headers
    # In two headers, as HTTP/2 may split them, two are two as well.
    split = [("Cookie", sent), ("Cookie", planted)]
    assert (await browser.get(ME, headers=split)).json()["code"] == "doubled-cookie"
    # What is public asks for no cookie; one cookie each is as good as before.
    assert (await browser.get(BOOKS, headers={"Cookie": f"{sent}; {planted}"})).status_code == 200
    others = {"Cookie": f"theme=dark; {sent}; theme=light"}
    assert (await browser.get(ME, headers=others)).json()["username"] == seller.username


async def test_in_development_over_http_the_cookies_have_plain_names(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, environment=Environment.DEVELOPMENT)
    async with running_app(settings) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        async with client_of(app) as page:
            good = await logged_in(page, caller)
            assert set(page.cookies) == {"access_token", "refresh_token", "csrf_token"}
            assert (await page.get(ME)).status_code == 200
            assert (await page.post(f"{AUTH}/refresh", headers=good)).status_code == 200
            twice = {"Cookie": f"access_token=a; access_token={page.cookies['access_token']}"}
            page.cookies.clear()
            assert (await page.get(ME, headers=twice)).json()["code"] == "doubled-cookie"
