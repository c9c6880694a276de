"""Wrong passwords are counted per account and client, whether or not the account exists."""

import asyncio

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Audit, Caller, SignUp, client_of, make_account, running_app, settings_for
from tests.identity.sessions.calls import log_in, run

WRONG = "Wrong-horse-1!"


def address(caller: Caller) -> str:
    return f"{caller.username}@example.com"


async def fail(client: httpx.AsyncClient, username: str, times: int = 5) -> None:
    for _ in range(times):
        answer = await log_in(client, username, WRONG)
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong-credentials")


async def test_five_failures_lock_the_account_for_this_client_and_no_other(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller
) -> None:
    await fail(client, seller.username)
    answer = await log_in(client, seller.username)
    assert (answer.status_code, answer.json()["code"]) == (429, "account-locked")
    assert 1790 <= int(answer.headers["retry-after"]) <= 1800
    async with client_of(app, "192.0.2.9") as elsewhere:
        assert (await log_in(elsewhere, seller.username)).status_code == 200


async def test_what_was_tried_by_name_counts_by_address_too_and_looks_like_a_wrong_password(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller
) -> None:
    await fail(client, seller.username, 3)
    await fail(client, address(seller), 2)
    for login in (seller.username, address(seller)):
        barred = await log_in(client, login)
        assert (barred.status_code, barred.json()["code"]) == (401, "wrong-credentials")
    async with client_of(app, "192.0.2.9") as elsewhere:
        assert (await log_in(elsewhere, seller.username)).status_code == 200


def told(answer: httpx.Response) -> tuple[int, dict[str, object], dict[str, str]]:
    """All that an answer says but what differs between any two, such as what is left of the client's quota."""
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    own = {"x-request-id", "x-process-time", "retry-after", "content-length"}
    own |= {name for name in answer.headers if "ratelimit" in name}
    return (
        answer.status_code,
        body,
        {name: value for name, value in answer.headers.items() if name not in own},
    )


async def test_a_lock_by_name_does_not_tell_that_an_address_is_the_same_accounts(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await fail(client, seller.username)
    assert (await log_in(client, seller.username)).status_code == 429
    # Try by try the address of the account is answered as one that nobody has, until both lock at once.
    for _ in range(7):
        known = await log_in(client, address(seller), WRONG)
        unknown = await log_in(client, "nobody-at-all@example.com", WRONG)
        assert told(known) == told(unknown)
    assert known.json()["code"] == "account-locked"


async def test_a_lock_by_address_does_not_tell_the_name_either(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await fail(client, address(seller))
    for _ in range(7):
        known, unknown = [await log_in(client, login, WRONG) for login in (seller.username, "nobody-at-all")]
        assert told(known) == told(unknown)


@pytest.mark.parametrize("tries", [0, 4, 5, 6])
async def test_a_try_costs_the_same_statements_whether_the_account_exists_or_not(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller, tries: int
) -> None:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    # The clock stands, so that no limit and no minute of the log of refusals ends in between.
    with time_machine.travel(utc_now(), tick=False):
        # The first lock of a minute is audited for the client, whatever was typed: it is over before anything is counted.
        for _ in range(6):
            await log_in(client, "somebody-else", WRONG)
        costs = []
        for name, logins in ((seller.username, [address(seller)]), ("nobody-at-all", ["nobody@example.com"])):
            for _ in range(tries):
                await log_in(client, name, WRONG)
            for login in (name, *logins):
                statements.clear()
                event.listen(app.state.database.engine.sync_engine, "before_cursor_execute", note)
                try:
                    await log_in(client, login, WRONG)
                finally:
                    event.remove(app.state.database.engine.sync_engine, "before_cursor_execute", note)
                costs.append([one for one in statements if "SAVEPOINT" not in one])
    known_name, known_address, unknown_name, unknown_address = costs
    assert known_name == unknown_name
    assert known_address == unknown_address
    assert known_name


async def test_other_spellings_of_a_login_are_the_same_login(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) if letter.isalnum() else letter for letter in seller.username)
    for login in (f" {seller.username.upper()}\u00a0", wide, f"{wide}@EXAMPLE.com"):
        assert (await log_in(client, login)).status_code == 200, login
    for login in (seller.username, f" {seller.username.upper()}", wide, f"{wide} ", seller.username.title()):
        await fail(client, login, 1)
    assert (await log_in(client, seller.username)).status_code == 429


async def test_a_reset_and_staff_lift_what_locks_the_name_and_the_address(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    await fail(client, seller.username)
    await fail(client, address(seller))
    unlocked = await client.post(f"/api/v1/admin/users/{seller.id}/unlock", headers=admin.headers)
    assert unlocked.status_code == 204
    for login in (seller.username, address(seller)):
        assert (await log_in(client, login)).status_code == 200


async def test_an_account_that_does_not_exist_locks_alike(client: httpx.AsyncClient) -> None:
    await fail(client, "nobody-at-all")
    answer = await log_in(client, "Nobody-At-All")
    assert (answer.status_code, answer.json()["code"]) == (429, "account-locked")


async def test_a_neighbour_in_the_same_ipv6_network_is_the_same_client(app: FastAPI, seller: Caller) -> None:
    async with client_of(app, "2001:db8::1") as one, client_of(app, "2001:db8::2") as two:
        await fail(one, seller.username)
        assert (await log_in(two, seller.username)).status_code == 429


async def test_a_right_password_forgets_the_failures(client: httpx.AsyncClient, seller: Caller) -> None:
    for _ in range(2):
        await fail(client, seller.username, 4)
        assert (await log_in(client, seller.username)).status_code == 200


async def test_a_lock_ends_after_half_an_hour_and_old_failures_fade(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await fail(client, seller.username)
    assert (await log_in(client, seller.username)).status_code == 429
    await run(
        session,
        "UPDATE login_failures SET last_failed_at = last_failed_at - interval '31 minutes',"
        " locked_until = locked_until - interval '31 minutes'",
    )
    await fail(client, seller.username, 4)
    assert (await log_in(client, seller.username)).status_code == 200
    await fail(client, seller.username, 4)
    await run(session, "UPDATE login_failures SET last_failed_at = last_failed_at - interval '31 minutes'")
    await fail(client, seller.username, 4)
    assert (await log_in(client, seller.username)).status_code == 200


async def test_a_lock_is_audited(client: httpx.AsyncClient, seller: Caller, audit: Audit) -> None:
    await fail(client, seller.username)
    entry = (await audit())[-1]
    assert (entry["action"], entry["target_id"], entry["ip"]) == (
        "login.locked",
        str(seller.id),
        "127.0.0.1",
    )


async def test_guesses_at_the_same_time_are_all_counted(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    answers = await asyncio.gather(*(log_in(live_client, caller.username, WRONG) for _ in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7
    assert (await log_in(live_client, caller.username)).status_code == 429
    async with live_app.state.database.sessions() as session:
        assert await session.scalar(text("SELECT failures FROM login_failures")) == 5


@pytest.mark.parametrize("zone", ["login_account", "login_pair"])
async def test_failures_are_limited_per_account_and_per_pair(
    servers: Servers, empty_database_url: str, zone: str
) -> None:
    limits = {"factor": 1, "login": "100/minute", zone: "2/hour"}
    async with running_app(settings_for(servers, empty_database_url, rate_limit=limits)) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        async with client_of(app, "192.0.2.1") as client, client_of(app, "192.0.2.2") as other:
            await fail(client, caller.username, 2)
            refused = await log_in(client, caller.username)
            assert (refused.status_code, refused.json()["code"]) == (429, "rate-limited")
            status = (await log_in(other, caller.username)).status_code
            assert status == (429 if zone == "login_account" else 200)


async def test_strangers_cannot_use_up_the_owners_quota(servers: Servers, empty_database_url: str) -> None:
    limits = {"factor": 1, "login": "100/minute", "login_account": "2/hour"}
    async with running_app(settings_for(servers, empty_database_url, rate_limit=limits)) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        async with client_of(app, "192.0.2.1") as home, client_of(app, "192.0.2.66") as stranger:
            assert (await log_in(home, caller.username)).status_code == 200
            await fail(stranger, caller.username, 2)
            assert (await log_in(stranger, caller.username)).status_code == 429
            assert (await log_in(home, caller.username)).status_code == 200


async def test_tries_by_name_and_by_address_count_together_over_all_clients(
    servers: Servers, empty_database_url: str
) -> None:
    limits = {"factor": 1, "login": "100/minute", "login_account": "4/hour"}
    async with running_app(settings_for(servers, empty_database_url, rate_limit=limits)) as app:
        async with app.state.database.sessions.begin() as arranging:
            caller = await make_account(app, arranging)
        home, one, two, three = (client_of(app, f"192.0.2.{number}") for number in range(1, 5))
        async with home, one, two, three:
            assert (await log_in(home, caller.username)).status_code == 200
            await fail(one, caller.username, 2)
            await fail(two, address(caller), 2)
            # Neither name has its four, the account has: a right password is a wrong one, but for clients it knows.
            for login in (caller.username, address(caller)):
                barred = await log_in(three, login)
                assert (barred.status_code, barred.json()["code"]) == (401, "wrong-credentials")
            assert (await log_in(home, caller.username)).status_code == 200


async def test_logins_are_limited_per_address(servers: Servers, empty_database_url: str) -> None:
    async with running_app(settings_for(servers, empty_database_url, rate_limit={"factor": 1})) as app:
        async with client_of(app) as client:
            answers = [await log_in(client, f"nobody-{number}") for number in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert int(answers[5].headers["retry-after"]) <= 60
