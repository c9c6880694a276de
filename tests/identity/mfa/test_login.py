"""The second half of a login: the `mfa_token`, codes, recovery codes, and attacks on them."""

import asyncio
from datetime import timedelta

import httpx
import jwt
import pytest
import time_machine
from dirty_equals import IsStr
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.challenges import ChallengePurpose, ChallengeSigner
from devstack import Servers
from tests.conftest import JWT_SECRET, SignUp, change_account

from .conftest import MFA, TOKEN, Enrolled, Told, answer, ask_token, enrol, log_in

ME = "/api/v1/users/me"


async def test_the_right_password_is_answered_by_a_question_for_the_second_factor(
    client: httpx.AsyncClient, enrolled: Enrolled
) -> None:
    refused = await log_in(client, enrolled.caller)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["cache-control"] == "no-store"
    problem = refused.json()
    assert problem["code"] == "mfa-required"
    assert problem["mfa_token"] == IsStr(min_length=100)
    assert problem["expires_in"] == 300
    assert problem["methods"] == ["totp", "recovery_code"]
    wrong = await client.post(TOKEN, data={"username": enrolled.caller.username, "password": "Wrong-1!"})
    assert wrong.json()["code"] == "wrong-credentials"
    assert "mfa_token" not in wrong.json()


async def test_the_code_opens_a_session_that_remembers_both_factors(
    client: httpx.AsyncClient, enrolled: Enrolled, opened_with: Told
) -> None:
    opened = await answer(client, await ask_token(client, enrolled.caller), code=enrolled.code())
    assert opened.status_code == 200
    assert opened.headers["cache-control"] == "no-store"
    assert opened.json()["scope"] == "items:write orders:read orders:write profile:read profile:write"
    headers = {"Authorization": f"Bearer {opened.json()['access_token']}"}
    assert (await client.get(ME, headers=headers)).json()["username"] == enrolled.caller.username
    assert (await client.get(MFA, headers=headers)).json()["is_satisfied"] is True
    assert await opened_with(enrolled.caller.id) == ["password", "totp"]


async def test_scopes_asked_for_with_the_password_are_the_scopes_of_the_session(
    client: httpx.AsyncClient, enrolled: Enrolled
) -> None:
    token = await ask_token(client, enrolled.caller, scope="items:write catalog:manage nonsense")
    assert (await answer(client, token, code=enrolled.code())).json()["scope"] == "items:write"
    with time_machine.travel(utc_now() + timedelta(seconds=90), tick=True):
        token = await ask_token(client, enrolled.caller, scope="nonsense")
        assert (await answer(client, token, code=enrolled.code())).json()["scope"] == ""


async def test_a_used_step_is_refused_again_in_this_login_and_in_the_next(
    client: httpx.AsyncClient, enrolled: Enrolled
) -> None:
    code = enrolled.code()
    assert (await answer(client, await ask_token(client, enrolled.caller), code=code)).status_code == 200
    token = await ask_token(client, enrolled.caller)
    for used in (code, enrolled.code(-1)):
        refused = await answer(client, token, code=used)
        assert (refused.status_code, refused.json()["code"]) == (401, "wrong-second-factor")
    with time_machine.travel(utc_now() + timedelta(seconds=60), tick=True):
        assert (await answer(client, token, code=enrolled.code())).status_code == 200


async def test_the_code_of_the_step_before_opens_and_one_of_the_next_step_does_not(
    client: httpx.AsyncClient, enrolled: Enrolled
) -> None:
    # In the middle of a step, so that no request falls into another.
    middle = (int(utc_now().timestamp()) // 30 + 4) * 30 + 15
    with time_machine.travel(middle, tick=False):
        token = await ask_token(client, enrolled.caller)
        for offset in (1, 2, -2):
            refused = await answer(client, token, code=enrolled.code(offset))
            assert (refused.status_code, refused.json()["code"]) == (401, "wrong-second-factor")
        assert (await answer(client, token, code=enrolled.code(-1))).status_code == 200


async def test_an_mfa_token_opens_one_session_and_is_no_access_token(
    client: httpx.AsyncClient, enrolled: Enrolled
) -> None:
    token = await ask_token(client, enrolled.caller)
    for path in (ME, MFA):
        as_access = await client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert (as_access.status_code, as_access.json()["code"]) == (401, "invalid-token")
    assert (await answer(client, token, code=enrolled.code())).status_code == 200
    with time_machine.travel(utc_now() + timedelta(seconds=60), tick=True):
        again = await answer(client, token, code=enrolled.code())
        assert (again.status_code, again.json()["code"]) == (401, "mfa-token-refused")


async def test_after_five_wrong_codes_the_token_is_dead_for_the_right_one_too(
    client: httpx.AsyncClient, enrolled: Enrolled, audited: Told
) -> None:
    token = await ask_token(client, enrolled.caller)
    for _ in range(5):
        wrong = await answer(client, token, code=enrolled.wrong_code())
        assert wrong.json()["code"] == "wrong-second-factor"
    dead = await answer(client, token, code=enrolled.code())
    assert (dead.status_code, dead.json()["code"]) == (401, "mfa-token-refused")
    assert await audited(enrolled.caller.id) == ["mfa.totp_enabled"] + ["mfa.wrong_code"] * 5


async def test_ten_wrong_codes_over_several_logins_lock_the_app_and_not_the_recovery_codes(
    client: httpx.AsyncClient, enrolled: Enrolled, told: Told
) -> None:
    for _ in range(2):
        token = await ask_token(client, enrolled.caller)
        for _ in range(5):
            await answer(client, token, code=enrolled.wrong_code())
    token = await ask_token(client, enrolled.caller)
    locked = await answer(client, token, code=enrolled.code())
    assert (locked.status_code, locked.json()["code"]) == (429, "second-factor-locked")
    assert await told(enrolled.caller.id) == ["totp_enabled", "locked"]
    opened = await answer(client, token, recovery_code=enrolled.recovery_codes[3])
    assert opened.status_code == 200
    with time_machine.travel(utc_now() + timedelta(seconds=3601), tick=True):
        token = await ask_token(client, enrolled.caller)
        assert (await answer(client, token, code=enrolled.code())).status_code == 200


async def test_a_recovery_code_works_once_in_any_spelling_and_its_use_is_told(
    client: httpx.AsyncClient, enrolled: Enrolled, opened_with: Told, told: Told
) -> None:
    code = enrolled.recovery_codes[0]
    opened = await answer(
        client, await ask_token(client, enrolled.caller), recovery_code=code.lower().replace("-", " ")
    )
    assert opened.status_code == 200
    headers = {"Authorization": f"Bearer {opened.json()['access_token']}"}
    assert (await client.get(MFA, headers=headers)).json()["recovery_codes_left"] == 9
    token = await ask_token(client, enrolled.caller)
    again = await answer(client, token, recovery_code=code)
    assert (again.status_code, again.json()["code"]) == (401, "wrong-second-factor")
    assert await told(enrolled.caller.id) == ["totp_enabled", "recovery_code_used"]
    assert await opened_with(enrolled.caller.id) == ["password", "recovery_code"]


async def test_codes_of_another_account_open_nothing(
    client: httpx.AsyncClient, enrolled: Enrolled, sign_up: SignUp
) -> None:
    other = await enrol(client, await sign_up())
    token = await ask_token(client, enrolled.caller)
    refused = await answer(client, token, recovery_code=other.recovery_codes[0])
    assert refused.json()["code"] == "wrong-second-factor"
    assert (await answer(client, token, code=other.code())).json()["code"] == "wrong-second-factor"
    token = await ask_token(client, other.caller)
    assert (await answer(client, token, recovery_code=other.recovery_codes[0])).status_code == 200


async def test_the_token_dies_with_time_password_account_and_app(
    client: httpx.AsyncClient, enrolled: Enrolled, session: AsyncSession
) -> None:
    token = await ask_token(client, enrolled.caller)
    with time_machine.travel(utc_now() + timedelta(seconds=301), tick=True):
        expired = await answer(client, token, code=enrolled.code())
        assert (expired.status_code, expired.json()["code"]) == (401, "mfa-token-refused")
    changes: list[dict[str, object]] = [
        {"password_changed_at": utc_now() + timedelta(seconds=1)},
        {"is_active": False},
    ]
    for change in changes:
        token = await ask_token(client, enrolled.caller)
        await change_account(session, enrolled.caller.id, **change)
        dead = await answer(client, token, code=enrolled.code())
        assert (dead.status_code, dead.json()["code"]) == (401, "mfa-token-refused")


async def test_forged_tokens_are_refused(app: FastAPI, client: httpx.AsyncClient, enrolled: Enrolled) -> None:
    signer = ChallengeSigner(app.state.settings.jwt)
    real = await ask_token(client, enrolled.caller)
    claims = jwt.decode(real, options={"verify_signature": False})
    forged = [
        "",
        "x",
        "a.b.c",
        real[:-4] + "AAAA",
        enrolled.caller.headers["Authorization"].removeprefix("Bearer "),
        signer.issue(ChallengePurpose.PASSKEY_LOGIN, enrolled.caller.id, stamp=claims["stamp"]),
        signer.issue(ChallengePurpose.LOGIN, enrolled.caller.id, stamp="yesterday"),
        signer.issue(ChallengePurpose.LOGIN, 2**62, stamp=claims["stamp"]),
        jwt.encode(claims, JWT_SECRET, "HS256", headers={"typ": "challenge+jwt"}),
        jwt.encode(claims, "", "none", headers={"typ": "challenge+jwt"}),
    ]
    for token in forged:
        refused = await answer(client, token, code=enrolled.code())
        assert (refused.status_code, refused.json()["code"]) == (401, "mfa-token-refused"), token


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"code": "123456", "recovery_code": "AAAA-AAAA-AAAA-AAAA"},
        {"code": "12345"},
        {"recovery_code": "short"},
        {"recovery_code": "x" * 41},
        {"code": "123456", "user_id": 1},
    ],
)
async def test_an_answer_has_either_a_code_or_a_recovery_code(
    client: httpx.AsyncClient, proof: dict[str, object]
) -> None:
    refused = await client.post(MFA, json={"mfa_token": "x", **proof})
    assert refused.status_code == 422


async def test_of_twenty_answers_with_one_code_at_once_one_opens_a_session(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    enrolled = await enrol(live_client, await live_sign_up())
    tokens = [await ask_token(live_client, enrolled.caller) for _ in range(4)]
    code = enrolled.code()
    answers = await asyncio.gather(
        *(answer(live_client, token, code=code) for token in tokens for _ in range(5))
    )
    statuses = [each.status_code for each in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 429}


async def test_of_answers_with_one_recovery_code_at_once_one_opens_a_session(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    enrolled = await enrol(live_client, await live_sign_up())
    tokens = [await ask_token(live_client, enrolled.caller) for _ in range(6)]
    code = enrolled.recovery_codes[0]
    answers = await asyncio.gather(*(answer(live_client, token, recovery_code=code) for token in tokens))
    assert sorted(each.status_code for each in answers) == [200] + [401] * 5


async def test_guesses_at_once_are_counted_one_by_one(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    enrolled = await enrol(live_client, await live_sign_up())
    token = await ask_token(live_client, enrolled.caller)
    wrong = enrolled.wrong_code()
    answers = await asyncio.gather(*(answer(live_client, token, code=wrong) for _ in range(20)))
    codes = [each.json()["code"] for each in answers]
    assert codes.count("wrong-second-factor") == 5
    assert codes.count("mfa-token-refused") == 15


async def test_without_redis_the_second_factor_is_asked_for_and_counted_all_the_same(
    servers: Servers, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    enrolled = await enrol(live_client, await live_sign_up())
    servers.redis.stop()
    try:
        token = await ask_token(live_client, enrolled.caller)
        for _ in range(5):
            wrong = await answer(live_client, token, code=enrolled.wrong_code())
            assert wrong.json()["code"] == "wrong-second-factor"
        dead = await answer(live_client, token, code=enrolled.code())
        assert dead.json()["code"] == "mfa-token-refused"
        token = await ask_token(live_client, enrolled.caller)
        assert (await answer(live_client, token, code=enrolled.code())).status_code == 200
    finally:
        servers.redis.start()


async def test_while_postgresql_is_away_no_code_opens_anything(
    servers: Servers, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    enrolled = await enrol(live_client, await live_sign_up())
    token = await ask_token(live_client, enrolled.caller)
    servers.postgres.stop(immediate=True)
    try:
        away = await answer(live_client, token, code=enrolled.code())
    finally:
        servers.postgres.start()
    assert (away.status_code, away.json()["code"]) == (503, "unavailable")
    assert away.headers["retry-after"]
    assert (await answer(live_client, token, code=enrolled.code())).status_code == 200
