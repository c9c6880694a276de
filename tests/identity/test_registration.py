"""Opening accounts over HTTP."""

import asyncio

import httpx
import pytest
from dirty_equals import IsInt, IsStr
from fastapi import FastAPI

from tests.conftest import Caller, client_of

REGISTER = "/api/v1/users/register"
ADA = {"username": "ada", "email": "ada@example.com", "password": "Lovelace-1815!"}


async def test_registering_answers_the_account_without_the_password(client: httpx.AsyncClient) -> None:
    answer = await client.post(REGISTER, json={**ADA, "full_name": "Ada Lovelace"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/v1/users/me"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "id": IsInt(gt=0),
        "username": "ada",
        "email": "ada@example.com",
        "full_name": "Ada Lovelace",
        "role": "user",
        "is_active": True,
        "is_verified": False,
        "version": 1,
        "created_at": IsStr(regex=r".*Z"),
        "updated_at": IsStr(regex=r".*Z"),
    }


@pytest.mark.parametrize(
    ("again", "field", "code"),
    [
        ({"email": "other@example.com", "username": "ADA"}, "username", "username-taken"),
        ({"username": "countess", "email": "ada@EXAMPLE.com"}, "email", "email-taken"),
        ({"username": "countess", "email": "ADA@example.com"}, "email", "email-taken"),
    ],
)
async def test_a_taken_name_or_address_is_refused_naming_the_field(
    client: httpx.AsyncClient, again: dict[str, str], field: str, code: str
) -> None:
    await client.post(REGISTER, json=ADA)
    answer = await client.post(REGISTER, json={**ADA, **again})
    assert answer.status_code == 409
    assert answer.json()["code"] == code
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("Ab1!", "8 to 128 characters"),
        ("lovelace-1815!", "an upper-case letter"),
        ("LOVELACE-1815!", "a lower-case letter"),
        ("Lovelace-xxxx!", "a digit"),
        ("Lovelace1815", "a special character"),
        ("My-Ada-is-1815!", "must not contain the user name"),
        ("x" * 129, "at most 128 characters"),
    ],
)
async def test_a_weak_password_is_refused_saying_why(
    client: httpx.AsyncClient, password: str, reason: str
) -> None:
    answer = await client.post(REGISTER, json={**ADA, "password": password})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "password"
    assert reason in error["message"]
    assert password not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"username": "a"},
        {"username": "1ada"},
        {"username": "a b c"},
        {"username": "ада-ада"},
        {"username": "a" * 31},
        {"username": None},
        {"email": "not an address"},
        {"email": "ada@localhost"},
        {"full_name": " "},
        {"full_name": "Ada\u0000"},
        {"role": "admin"},
        {"is_verified": True},
        {"id": 1},
    ],
)
async def test_malformed_and_unknown_fields_are_refused(
    client: httpx.AsyncClient, change: dict[str, object]
) -> None:
    answer = await client.post(REGISTER, json={**ADA, **change})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == list(change)


async def test_of_twenty_registrations_of_one_name_at_once_one_wins(live_app: FastAPI) -> None:
    async with client_of(live_app) as client:
        answers = await asyncio.gather(
            *(client.post(REGISTER, json={**ADA, "email": f"ada{n}@example.com"}) for n in range(20))
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


async def test_the_own_account_needs_a_token_and_is_never_stored(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    answer = await client.get("/api/v1/users/me", headers=seller.headers)
    assert answer.status_code == 200
    assert answer.json()["username"] == seller.username
    assert answer.headers["cache-control"] == "private, no-store"
    refused = await client.get("/api/v1/users/me")
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["code"] == "not-authenticated"
