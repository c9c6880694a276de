"""Opening accounts over HTTP."""

import asyncio

import httpx
import pytest
import time_machine
from dirty_equals import IsInt, IsStr
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from devstack import Servers
from tests.conftest import Audit, Caller, client_of, events_of, running_app, settings_for

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
        "pending_email": None,
        "full_name": "Ada Lovelace",
        "first_name": None,
        "last_name": None,
        "phone": None,
        "date_of_birth": None,
        "gender": None,
        "language": None,
        "newsletter": False,
        "notifications": "email",
        "notification_ways": ["email"],
        "terms_accepted_at": None,
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
        ("lovel-1815!", "an upper-case letter, or 12 characters in all"),
        ("LOVEL-1815!", "a lower-case letter"),
        ("Lovel-xxxx!", "a digit"),
        ("Lovelace181", "a special character"),
        ("sunshine2024", "is a common password"),
        ("justinbieber", "is a common password"),
        ("123456789012", "a row of keys"),
        ("9876543210987", "a row of keys"),
        ("qwertyuiopasdf", "a row of keys"),
        ("aaaaaaaaaaaa", "repeats itself"),
        ("xyqxyqxyqxyq", "repeats itself"),
        ("passwordpassword", "repeats itself"),
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
    "password", ["quiet rivers bend", "schmetterling im glas", "Lovel-1815!", "ünïcödeünïsön"]
)
async def test_twelve_characters_need_no_kinds_of_them_and_eight_need_all(
    client: httpx.AsyncClient, password: str
) -> None:
    answer = await client.post(REGISTER, json={**ADA, "password": password})
    assert answer.status_code == 201, answer.text


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
        {"email": "Ada Lovelace <ada@example.com>"},
        {"email": "<ada@example.com>"},
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


async def test_a_registration_keeps_all_that_was_sent(client: httpx.AsyncClient) -> None:
    sent = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "+44 20 7946 0018",
        "date_of_birth": "1990-12-10",
        "newsletter": True,
        "gender": "non_binary",
        "notifications": ["sms", "email"],
        "terms_accepted": True,
        "confirm_password": ADA["password"],
    }
    answer = await client.post(REGISTER, json={**ADA, **sent})
    assert answer.status_code == 201
    account = answer.json()
    assert account["phone"] == "+442079460018"
    assert account["date_of_birth"] == "1990-12-10"
    assert (account["notifications"], account["notification_ways"]) == ("sms", ["sms", "email"])
    assert account["gender"] == "non_binary"
    assert account["newsletter"] is True
    assert account["terms_accepted_at"] == IsStr(regex=r".*Z")
    assert not [name for name in account if "password" in name]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"confirm_password": "Lovelace-1816!"}, "confirm_password"),
        ({"notifications": "sms"}, "notifications"),
        ({"notifications": ["email", "sms"]}, "notifications"),
        ({"notifications": "pigeon"}, "notifications"),
        ({"notifications": []}, "notifications"),
        ({"notifications": None}, "notifications"),
        ({"notifications": ["none", "email"]}, "notifications"),
        ({"gender": "female"}, None),
        ({"gender": "prefer_not_to_say"}, None),
        ({"gender": None}, None),
        ({"gender": "Female"}, "gender"),
        ({"gender": True}, "gender"),
        ({"terms_accepted": False}, "terms_accepted"),
        ({"terms_accepted": None}, "terms_accepted"),
        ({"phone": "020 7946 0018"}, "phone"),
        ({"phone": "+44 1"}, "phone"),
        ({"phone": "call me"}, "phone"),
        ({"date_of_birth": 0}, "date_of_birth"),
        ({"date_of_birth": "1990-02-30"}, "date_of_birth"),
        ({"date_of_birth": "1990-12-10T00:00:00Z"}, "date_of_birth"),
        ({"username": "admin"}, "username"),
        ({"username": "Support"}, "username"),
        ({"username": "ada-"}, None),
        ({"is_active": False}, "is_active"),
        ({"email": "ada@example.com" + "x" * 250}, "email"),
    ],
)
async def test_bad_optional_fields_are_refused_by_name(
    client: httpx.AsyncClient, change: dict[str, object], field: str | None
) -> None:
    answer = await client.post(REGISTER, json={**ADA, **change})
    if field is None:
        assert answer.status_code == 201
        return
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("born", "status"),
    [
        ("2013-06-15", 201),
        ("2013-06-16", 422),
        ("1905-06-16", 201),
        ("1905-06-15", 422),
        ("2030-01-01", 422),
    ],
)
async def test_one_may_be_thirteen_to_a_hundred_and_twenty_years_old(
    client: httpx.AsyncClient, born: str, status: int
) -> None:
    with time_machine.travel("2026-06-15T12:00:00Z", tick=False):
        answer = await client.post(REGISTER, json={**ADA, "date_of_birth": born})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "password",
    [
        "Password1!",
        "P@ssw0rd",
        "Summer2024!",
        "1qaz!QAZ",
        "Qwerty123!",
        "Admin@123",
        "Aa123456!",
        "Iloveyou1!",
    ],
)
async def test_a_common_password_is_refused_in_whatever_disguise(
    client: httpx.AsyncClient, password: str
) -> None:
    answer = await client.post(REGISTER, json={**ADA, "password": password})
    assert answer.status_code == 422
    assert "common" in answer.json()["errors"][0]["message"]
    assert password not in answer.text


async def test_a_registration_is_announced_and_audited(
    client: httpx.AsyncClient, session: AsyncSession, audit: Audit
) -> None:
    user_id = (await client.post(REGISTER, json=ADA)).json()["id"]
    assert await events_of(session, "user.registered") == [{"user_id": user_id}]
    (entry,) = await audit(action="user.registered")
    assert (entry["actor_id"], entry["target_id"]) == (user_id, str(user_id))
    assert ADA["password"] not in str(entry["changes"])


async def test_a_name_can_be_asked_for_before_registering(client: httpx.AsyncClient) -> None:
    async def ask(name: str) -> httpx.Response:
        return await client.get(f"/api/v1/users/check-username/{name}")

    assert (await ask("Ada")).json() == {"username": "ada", "available": True}
    await client.post(REGISTER, json=ADA)
    assert (await ask("ADA")).json() == {"username": "ada", "available": False}
    assert (await ask("admin")).json() == {"username": "admin", "available": False}
    for malformed in ("a", "1ada", "a%20b", "a" * 31, "%00ada"):
        assert (await ask(malformed)).status_code == 422


@pytest.mark.parametrize(
    ("password", "scores", "hint"),
    [
        ("", {0}, "needs an upper-case letter"),
        ("password", {0}, "needs an upper-case letter"),
        ("Password1!", {0, 1}, "common"),
        ("Ada-writes-programs-1843!", {0, 1}, "must not contain the user name"),
        ("Lovelace-1815!", {3, 4}, None),
        ("mX9#vTq!27_wRz", {4}, None),
        ("4@8({[<369!1|07$5+%2" * 6, {0, 1, 2, 3, 4}, None),
        ("trzkbnmwvxqe", {3, 4}, None),
        ("trzkbnmwvxq", {0, 1}, "or 12 characters in all"),
    ],
)
async def test_a_password_is_judged_with_reasons(
    client: httpx.AsyncClient, password: str, scores: set[int], hint: str | None
) -> None:
    body = {"password": password, "username": "ada"}
    answer = await client.post("/api/v1/users/password-strength", json=body)
    assert answer.status_code == 200
    judged = answer.json()
    assert set(judged) == {"score", "strength", "feedback"}
    assert judged["score"] in scores
    words = ["very weak", "weak", "fair", "good", "strong"]
    assert judged["strength"] == words[judged["score"]]
    assert hint is None or any(hint in line for line in judged["feedback"])
    assert answer.headers["cache-control"] == "no-store"


async def test_asking_for_names_and_judging_passwords_have_limits_of_their_own(
    servers: Servers, empty_database_url: str
) -> None:
    limits = {"username_check": "2/minute", "strength_check": "1/minute"}
    settings = settings_for(servers, empty_database_url, rate_limit=limits)
    async with running_app(settings) as application, client_of(application) as client:
        names = [await client.get("/api/v1/users/check-username/ada") for _ in range(3)]
        judged = [
            await client.post("/api/v1/users/password-strength", json={"password": "x"}) for _ in range(2)
        ]
    assert [answer.status_code for answer in names] == [200, 200, 429]
    assert [answer.status_code for answer in judged] == [200, 429]
    assert int(names[-1].headers["retry-after"]) > 0


async def test_one_way_of_notification_is_a_list_of_one(client: httpx.AsyncClient) -> None:
    for number, ways in enumerate(("email", ["email"], ["email", "email"])):
        account = {**ADA, "username": f"ada{number}", "email": f"ada{number}@example.com"}
        answer = await client.post(REGISTER, json={**account, "notifications": ways})
        assert answer.status_code == 201, answer.text
        assert (answer.json()["notifications"], answer.json()["notification_ways"]) == ("email", ["email"])
