"""Setting up an authenticator app, recovery codes, and removing both."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import httpx
import pyotp
import pytest
import time_machine
from dirty_equals import IsStr
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.mfa.one_time_codes import matching_steps, recovery_hash
from app.identity.mfa.secret_vault import SecretVault
from app.identity.mfa.service import SET_UP_LIFETIME
from tests.conftest import PASSWORD, Caller, SignUp

from .conftest import MFA, PASSWORD_BODY, TOTP, Enrolled, Told, enrol, log_in


async def state(client: httpx.AsyncClient, caller: Caller) -> dict[str, object]:
    read = await client.get(MFA, headers=caller.headers)
    assert read.status_code == 200
    return dict(read.json())


async def test_setting_up_shows_the_secret_as_text_uri_and_qr_code_and_counts_only_after_a_code(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    begun = await client.post(TOTP, json=PASSWORD_BODY, headers=seller.headers)
    assert begun.status_code == 201
    shown = begun.json()
    assert shown == {
        "secret": IsStr(regex=r"[A-Z2-7]{32}"),
        "otpauth_uri": f"otpauth://totp/Bookstore:{seller.username}?secret={shown['secret']}&issuer=Bookstore",
        "qr_svg": IsStr(regex=r"(?s)<svg.*</svg>"),
    }
    assert begun.headers["cache-control"] == "private, no-store"
    assert (await log_in(client, seller)).status_code == 200
    assert (await state(client, seller))["totp_enabled_at"] is None
    code = pyotp.TOTP(shown["secret"]).now()
    confirmed = await client.post(f"{TOTP}/confirm", json={"code": code}, headers=seller.headers)
    codes = confirmed.json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert all(code == IsStr(regex=r"[A-Z2-7]{4}(-[A-Z2-7]{4}){5}") for code in codes)
    assert (await log_in(client, seller)).json()["code"] == "mfa-required"
    after = await state(client, seller)
    assert after["totp_enabled_at"] is not None
    assert {**after, "totp_enabled_at": None} == {
        "totp_enabled_at": None,
        "recovery_codes_left": 10,
        "passkeys": 0,
        "is_required": False,
        "is_satisfied": True,
    }


async def test_setting_up_needs_a_login_and_the_password(client: httpx.AsyncClient, seller: Caller) -> None:
    assert (await client.post(TOTP, json=PASSWORD_BODY)).status_code == 401
    wrong = await client.post(TOTP, json={"password": "Wrong-horse-1!"}, headers=seller.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-password")
    long = await client.post(TOTP, json={"password": "x" * 1000}, headers=seller.headers)
    assert long.status_code == 403
    missing = await client.post(TOTP, json={}, headers=seller.headers)
    assert missing.status_code == 422


async def test_five_wrong_passwords_lock_this_client_out_of_changes_and_of_logins(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    for _ in range(5):
        wrong = await client.post(TOTP, json={"password": "x" * 200}, headers=seller.headers)
        assert wrong.json()["code"] == "wrong-password"
    locked = await client.post(TOTP, json=PASSWORD_BODY, headers=seller.headers)
    assert locked.json()["code"] == "account-locked"
    assert int(locked.headers["retry-after"]) > 1700
    # The lock counts for logins too; there it looks like a wrong password, as any that was not typed there.
    assert (await log_in(client, seller)).json()["code"] == "wrong-credentials"


async def test_a_second_set_up_replaces_an_unconfirmed_one_and_never_a_confirmed_one(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    secrets = [
        (await client.post(TOTP, json=PASSWORD_BODY, headers=seller.headers)).json()["secret"]
        for _ in range(2)
    ]
    stale = {"code": pyotp.TOTP(secrets[0]).now()}
    refused = await client.post(f"{TOTP}/confirm", json=stale, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong-totp-code")
    fresh = {"code": pyotp.TOTP(secrets[1]).now()}
    assert (await client.post(f"{TOTP}/confirm", json=fresh, headers=seller.headers)).status_code == 200
    again = await client.post(f"{TOTP}/confirm", json=fresh, headers=seller.headers)
    assert (again.status_code, again.json()["code"]) == (409, "totp-not-pending")
    third = await client.post(TOTP, json=PASSWORD_BODY, headers=seller.headers)
    assert (third.status_code, third.json()["code"]) == (409, "totp-enabled")


async def test_a_set_up_waits_ten_minutes_for_its_first_code(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    begun = await client.post(TOTP, json=PASSWORD_BODY, headers=seller.headers)
    app_of_the_owner = pyotp.TOTP(begun.json()["secret"])
    with time_machine.travel(utc_now() + SET_UP_LIFETIME + timedelta(seconds=1), tick=True):
        late = {"code": app_of_the_owner.at(utc_now())}
        refused = await client.post(f"{TOTP}/confirm", json=late, headers=seller.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "totp-not-pending")
        assert (await log_in(client, seller)).status_code == 200


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", None, 123456])
async def test_what_is_no_code_is_malformed(client: httpx.AsyncClient, seller: Caller, code: object) -> None:
    refused = await client.post(f"{TOTP}/confirm", json={"code": code}, headers=seller.headers)
    assert refused.status_code == 422


async def test_nothing_to_confirm_disable_or_replace_is_a_conflict(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    tried = {
        f"{TOTP}/confirm": ({"code": "123456"}, "totp-not-pending"),
        f"{TOTP}/disable": (PASSWORD_BODY, "totp-not-enabled"),
        f"{MFA}/recovery-codes": (PASSWORD_BODY, "totp-not-enabled"),
    }
    for path, (body, code) in tried.items():
        refused = await client.post(path, json=body, headers=seller.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, code)


async def test_disabling_needs_the_password_and_removes_app_and_recovery_codes(
    client: httpx.AsyncClient, enrolled: Enrolled, session: AsyncSession, told: Told, audited: Told
) -> None:
    headers = enrolled.caller.headers
    wrong = await client.post(f"{TOTP}/disable", json={"password": "Wrong-horse-1!"}, headers=headers)
    assert wrong.status_code == 403
    assert (await client.post(f"{TOTP}/disable", json=PASSWORD_BODY, headers=headers)).status_code == 204
    assert (await log_in(client, enrolled.caller)).status_code == 200
    for table in ("totp_secrets", "recovery_codes"):
        left = text(f"SELECT count(*) FROM {table} WHERE user_id = :id")  # noqa: S608 (a name of this test)
        assert await session.scalar(left, {"id": enrolled.caller.id}) == 0
    assert await told(enrolled.caller.id) == ["totp_enabled", "totp_disabled"]
    assert await audited(enrolled.caller.id) == ["mfa.totp_enabled", "mfa.totp_disabled"]
    await enrol(client, enrolled.caller)


async def test_turning_it_on_ends_every_session_but_the_one_that_showed_the_code(
    app: FastAPI, client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    other = {"Authorization": f"Bearer {(await log_in(client, seller)).json()['access_token']}"}
    assert (await client.get(MFA, headers=other)).status_code == 200
    await enrol(client, seller)
    assert (await client.get(MFA, headers=other)).status_code == 401
    assert (await client.get(MFA, headers=seller.headers)).status_code == 200
    factors = await session.scalar(
        text("SELECT factors FROM auth_sessions WHERE user_id = :id AND ended_at IS NULL"), {"id": seller.id}
    )
    assert factors == ["password", "totp"]
    assert app.state.settings.mfa.required_for_staff is False


async def test_secrets_and_codes_are_not_stored_as_they_are(
    app: FastAPI, enrolled: Enrolled, session: AsyncSession
) -> None:
    stored = await session.scalar(
        text("SELECT secret FROM totp_secrets WHERE user_id = :id"), {"id": enrolled.caller.id}
    )
    assert enrolled.secret not in str(stored)
    vault = SecretVault(app.state.settings.jwt)
    assert vault.open(enrolled.caller.id, str(stored)) == enrolled.secret
    assert vault.open(enrolled.caller.id + 1, str(stored)) is None
    hashes = set(
        await session.scalars(
            text("SELECT code_hash FROM recovery_codes WHERE user_id = :id"), {"id": enrolled.caller.id}
        )
    )
    assert hashes == {recovery_hash(code) for code in enrolled.recovery_codes}
    assert recovery_hash(enrolled.recovery_codes[0].lower().replace("-", " ")) in hashes


async def test_recovery_codes_have_120_random_bits_in_groups_of_four(enrolled: Enrolled) -> None:
    letters = [code.replace("-", "") for code in enrolled.recovery_codes]
    assert all(re.fullmatch(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){5}", code) for code in enrolled.recovery_codes)
    # Base32: five bits a letter. Equal ones would betray a poor source.
    assert {len(each) * 5 for each in letters} == {120}
    assert len(set(letters)) == 10


async def test_a_shorter_code_of_before_goes_on_working_once(
    client: httpx.AsyncClient, enrolled: Enrolled, session: AsyncSession
) -> None:
    await session.execute(
        text("UPDATE recovery_codes SET code_hash = :old WHERE id = (SELECT min(id) FROM recovery_codes)"),
        {"old": recovery_hash("K7QX-2MBD-PLWZ-4TRA")},
    )
    await session.commit()
    statuses = []
    for _ in range(2):
        token = (await log_in(client, enrolled.caller)).json()["mfa_token"]
        used = {"mfa_token": token, "recovery_code": "k7qx2mbdplwz4tra"}
        statuses.append((await client.post(MFA, json=used)).status_code)
    assert statuses == [200, 401]


async def test_new_recovery_codes_need_the_password_and_end_the_old_ones(
    client: httpx.AsyncClient, enrolled: Enrolled, told: Told
) -> None:
    headers = enrolled.caller.headers
    path = f"{MFA}/recovery-codes"
    assert (await client.post(path, json={"password": "no"}, headers=headers)).status_code == 403
    replaced = await client.post(path, json=PASSWORD_BODY, headers=headers)
    assert replaced.status_code == 200
    assert len(replaced.json()["recovery_codes"]) == 10
    assert set(replaced.json()["recovery_codes"]).isdisjoint(enrolled.recovery_codes)
    assert await told(enrolled.caller.id) == ["totp_enabled", "recovery_codes_replaced"]


async def test_of_confirmations_at_once_one_wins_and_its_codes_are_the_ones_that_count(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    begun = await live_client.post(TOTP, json={"password": PASSWORD}, headers=caller.headers)
    code = {"code": pyotp.TOTP(begun.json()["secret"]).now()}
    answers = await asyncio.gather(
        *(live_client.post(f"{TOTP}/confirm", json=code, headers=caller.headers) for _ in range(8))
    )
    statuses = sorted(each.status_code for each in answers)
    assert statuses == [200] + [409] * 7
    shown = await state(live_client, caller)
    assert (shown["recovery_codes_left"], shown["is_satisfied"]) == (10, True)


def test_a_code_counts_in_its_step_and_in_the_next() -> None:
    secret = pyotp.random_base32()
    now = datetime(2026, 1, 1, 12, 0, 15, tzinfo=UTC)
    current = pyotp.TOTP(secret).timecode(now)
    for offset in (-1, 0):
        code = pyotp.TOTP(secret).at(now, counter_offset=offset)
        assert current + offset in matching_steps(secret, code, now)
    for offset in (-2, 1, 2):
        code = pyotp.TOTP(secret).at(now, counter_offset=offset)
        assert current + offset not in matching_steps(secret, code, now)


async def test_a_change_of_jwt_secret_leaves_recovery_codes_working(
    client: httpx.AsyncClient, enrolled: Enrolled, session: AsyncSession
) -> None:
    await session.execute(text("UPDATE totp_secrets SET secret = repeat('A', 80)"))
    await session.commit()
    with time_machine.travel(utc_now() + timedelta(seconds=90), tick=True):
        token = (await log_in(client, enrolled.caller)).json()["mfa_token"]
        refused = await client.post(MFA, json={"mfa_token": token, "code": enrolled.code()})
        assert refused.json()["code"] == "wrong-second-factor"
        used = {"mfa_token": token, "recovery_code": enrolled.recovery_codes[0]}
        assert (await client.post(MFA, json=used)).status_code == 200
