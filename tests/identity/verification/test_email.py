"""Proving e-mail addresses over HTTP, and changing them."""

import asyncio

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.models import OneTimeToken
from app.identity.verification.service import LINK_LIFETIME, TokenPurpose, issue, one_time_token_hash
from tests.conftest import PASSWORD, Caller, SignUp, account_of, change_account, client_of

from .conftest import Mail, Outbox

VERIFY = "/api/v1/auth/verify-email"
REQUEST = "/api/v1/auth/verify-email/request"
ME = "/api/v1/users/me"


def address(caller: Caller) -> str:
    return f"{caller.username}@example.com"


async def test_a_mailed_token_verifies_the_address_once(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    token = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
    assert (await client.get(ME, headers=seller.headers)).json()["is_verified"] is False
    answer = await client.post(VERIFY, json={"token": token})
    assert answer.status_code == 200
    assert answer.json() == {"email": address(seller), "is_verified": True}
    assert answer.headers["cache-control"] == "no-store"
    assert (await client.get(ME, headers=seller.headers)).json()["is_verified"] is True
    again = await client.post(VERIFY, json={"token": token})
    assert (again.status_code, again.json()["code"]) == (400, "invalid-one-time-token")
    assert token not in again.text


async def test_only_the_hash_of_a_token_is_kept(seller: Caller, mail: Mail, session: AsyncSession) -> None:
    token = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
    kept = (await session.scalars(select(OneTimeToken))).one()
    assert kept.token_hash == one_time_token_hash(token)
    assert len(token) >= 43
    assert token not in str(vars(kept))


async def test_a_token_dies_after_thirty_minutes(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    token = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
    with time_machine.travel(utc_now() + LINK_LIFETIME, tick=True):
        assert (await client.post(VERIFY, json={"token": token})).status_code == 400


async def test_a_token_is_good_for_its_purpose_alone(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    token = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    assert (await client.post(VERIFY, json={"token": token})).status_code == 400
    token = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
    reset = {"token": token, "new_password": "Another-horse-2!"}
    assert (await client.post("/api/v1/auth/password-reset/confirm", json=reset)).status_code == 400


async def test_a_token_dies_with_the_password_the_address_and_the_account(
    client: httpx.AsyncClient, seller: Caller, mail: Mail, session: AsyncSession
) -> None:
    changes: list[dict[str, object]] = [
        {"password_changed_at": utc_now().replace(year=2999)},
        {"email": "other@example.com", "email_key": "other@example.com"},
        {"is_active": False},
    ]
    for change in changes:
        token = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
        before = await account_of(session, seller.id)
        restored = {name: getattr(before, name) for name in change}
        await change_account(session, seller.id, **change)
        assert (await client.post(VERIFY, json={"token": token})).status_code == 400
        await change_account(session, seller.id, **restored)


@pytest.mark.parametrize("token", ["", "short", "x" * 43, "x" * 201, None, 7, "x" * 30 + "\0"])
async def test_what_is_no_token_is_refused(client: httpx.AsyncClient, token: object) -> None:
    answer = await client.post(VERIFY, json={"token": token})
    assert answer.status_code == (400 if token == "x" * 43 else 422)


async def test_asking_again_answers_alike_whoever_owns_the_address(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession, outbox: Outbox
) -> None:
    await change_account(session, moderator.id, is_verified=True)
    answers = [
        await client.post(REQUEST, json={"email": email})
        for email in (address(seller).upper(), address(moderator), "nobody@example.com")
    ]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert await outbox() == [
        ("user.email_verification_requested", {"user_id": seller.id}),
        ("user.address_unknown", {"user_id": 0}),
        ("user.address_unknown", {"user_id": 0}),
    ]


async def test_a_new_address_is_the_accounts_once_proven_and_the_old_one_is_told(
    client: httpx.AsyncClient, seller: Caller, mail: Mail, outbox: Outbox
) -> None:
    await client.patch(ME, json={"email": "new@example.com"}, headers=seller.headers)
    old_token = await mail(seller.id, TokenPurpose.RESET_PASSWORD, address(seller))
    token = await mail(seller.id, TokenPurpose.CHANGE_EMAIL, "new@example.com")
    answer = await client.post(VERIFY, json={"token": token})
    assert answer.json() == {"email": "new@example.com", "is_verified": True}
    account = (await client.get(ME, headers=seller.headers)).json()
    assert (account["email"], account["pending_email"]) == ("new@example.com", None)
    assert (await outbox())[-1] == (
        "user.email_changed",
        {"user_id": seller.id, "old_email": address(seller)},
    )
    for login, status in (("new@example.com", 200), (address(seller), 401)):
        form = {"username": login, "password": PASSWORD}
        assert (await client.post("/api/v1/auth/token", data=form)).status_code == status
    reset = {"token": old_token, "new_password": "Another-horse-2!"}
    assert (await client.post("/api/v1/auth/password-reset/confirm", json=reset)).status_code == 400


async def test_only_the_address_wanted_last_can_be_proven(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    await client.patch(ME, json={"email": "mistyped@example.com"}, headers=seller.headers)
    stale = await mail(seller.id, TokenPurpose.CHANGE_EMAIL, "mistyped@example.com")
    await client.patch(ME, json={"email": "meant@example.com"}, headers=seller.headers)
    assert (await client.post(VERIFY, json={"token": stale})).status_code == 400
    token = await mail(seller.id, TokenPurpose.CHANGE_EMAIL, "meant@example.com")
    assert (await client.post(VERIFY, json={"token": token})).status_code == 200


async def test_that_an_address_is_taken_shows_at_the_proof_alone(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, mail: Mail
) -> None:
    wanted = await client.patch(ME, json={"email": address(moderator)}, headers=seller.headers)
    assert wanted.status_code == 200
    token = await mail(seller.id, TokenPurpose.CHANGE_EMAIL, address(moderator))
    answer = await client.post(VERIFY, json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (409, "email-taken")
    assert (await client.get(ME, headers=seller.headers)).json()["email"] == address(seller)


async def test_of_twenty_uses_of_a_token_at_once_one_wins(live_app: FastAPI, live_sign_up: SignUp) -> None:
    caller = await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        token = await issue(session, caller.id, TokenPurpose.VERIFY_EMAIL, address(caller))
    async with client_of(live_app) as client:
        answers = await asyncio.gather(*(client.post(VERIFY, json={"token": token}) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


@pytest.mark.parametrize("page", ["/verify-email", "/reset-password"])
async def test_the_mails_links_open_pages_that_change_nothing_and_leak_nothing(
    client: httpx.AsyncClient, seller: Caller, mail: Mail, page: str
) -> None:
    token = await mail(seller.id, TokenPurpose.VERIFY_EMAIL, address(seller))
    answer = await client.get(page, params={"token": token})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    policy = answer.headers.get_list("content-security-policy")
    assert len(policy) == 1
    assert "default-src 'none'" in policy[0]
    assert "unsafe" not in policy[0]
    assert token not in answer.text
    assert (await client.get(ME, headers=seller.headers)).json()["is_verified"] is False
    assert (await client.post(VERIFY, json={"token": token})).status_code == 200


async def test_a_newer_mail_makes_the_older_link_useless(
    client: httpx.AsyncClient, seller: Caller, mail: Mail
) -> None:
    email = f"{seller.username}@example.com"
    old, new = [await mail(seller.id, TokenPurpose.VERIFY_EMAIL, email) for _ in range(2)]
    for token, status in ((old, 400), (new, 200)):
        assert (await client.post("/api/v1/auth/verify-email", json={"token": token})).status_code == status
