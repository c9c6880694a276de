"""What outlives a session asks for a fresh proof, and how a session gets one."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import AuditEntry
from app.core.clock import utc_now
from app.core.events.events import OutboxEvent
from app.identity.permissions import Role
from app.identity.principal import FRESH_FOR
from tests.conftest import PASSWORD, Caller, SignUp
from tests.identity.mfa.authenticator import Authenticator
from tests.identity.mfa.conftest import creation_options, enrol, login_options, registered

STEP_UP = "/api/v1/auth/step-up"
ME = "/api/v1/users/me"
KEYS = "/api/v1/api-keys"
MFA = "/api/v1/auth/mfa"
PASSKEYS = "/api/v1/auth/passkeys"
SESSIONS = "/api/v1/auth/sessions"
WEBHOOKS = "/api/v1/webhooks"
KEY = {"name": "till", "scopes": ["items:write"]}


@pytest.fixture
def later() -> Iterator[time_machine.Traveller]:
    """A moment when a login of just now is no longer fresh, and its token still works."""
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True) as traveller:
        yield traveller


OUTLIVES: dict[str, tuple[str, str, Any]] = {
    "another address": ("PATCH", ME, {"email": "thief@example.com"}),
    "another phone": ("PATCH", ME, {"phone": "+442079460018"}),
    "a whole profile with another address": ("PUT", ME, {"email": "thief@example.com"}),
    "a key": ("POST", KEYS, KEY),
    "the default key": ("POST", f"{KEYS}/generate", None),
    "a rotated key": ("POST", f"{KEYS}/1/rotate", None),
    "a passkey": ("POST", f"{PASSKEYS}/register/options", None),
    "no passkey": ("DELETE", f"{PASSKEYS}/1", None),
    "an app": ("POST", f"{MFA}/totp", None),
    "no app": ("POST", f"{MFA}/totp/disable", None),
    "new recovery codes": ("POST", f"{MFA}/recovery-codes", None),
    "a webhook": ("POST", WEBHOOKS, {"url": "https://thief.example.com/hear", "events": ["*"]}),
    "another address of a webhook": ("PATCH", f"{WEBHOOKS}/1", {"url": "https://thief.example.com/hear"}),
    "another secret of a webhook": ("POST", f"{WEBHOOKS}/1/rotate-secret", None),
    "the end of the account": ("DELETE", ME, None),
    "the end of all sessions": ("POST", "/api/v1/auth/logout-all", None),
    "the end of another session": ("DELETE", f"{SESSIONS}/019ab6c2-6a55-7d3c-9a39-0d3c1c2f4b5e", None),
}


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(("method", "path", "body"), OUTLIVES.values(), ids=OUTLIVES)
async def test_what_outlives_a_session_is_refused_to_an_old_one(
    client: httpx.AsyncClient,
    seller: Caller,
    method: str,
    path: str,
    body: Any,
) -> None:
    refused = await client.request(method, path, json=body, headers=seller.headers)
    assert refused.status_code == 403, refused.text
    problem = refused.json()
    assert (problem["code"], problem["max_age"]) == ("step-up-required", 300)
    assert "/api/v1/auth/step-up" in problem["detail"]
    challenge = refused.headers["www-authenticate"]
    assert challenge == 'Bearer error="insufficient_user_authentication", max_age=300'
    unchanged = (await client.get(ME, headers=seller.headers)).json()
    assert (unchanged["pending_email"], unchanged["phone"]) == (None, None)


@pytest.mark.usefixtures("later")
async def test_what_dies_with_the_session_needs_no_fresh_proof(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    own = (await client.get(ME, headers=seller.headers)).json()
    body = {"full_name": "Ada", "email": own["email"], "phone": own["phone"]}
    assert (await client.patch(ME, json=body, headers=seller.headers)).status_code == 200
    mine = (await client.get(SESSIONS, headers=seller.headers)).json()[0]["id"]
    assert (await client.delete(f"{SESSIONS}/{mine}", headers=seller.headers)).status_code == 204


async def test_the_password_makes_a_session_fresh_for_five_minutes(
    client: httpx.AsyncClient, seller: Caller, later: time_machine.Traveller, session: AsyncSession
) -> None:
    assert (await client.post(KEYS, json=KEY, headers=seller.headers)).status_code == 403
    proven = await client.post(STEP_UP, json={"password": PASSWORD}, headers=seller.headers)
    assert proven.status_code == 200, proven.text
    assert proven.headers["cache-control"] == "no-store"
    assert proven.json().keys() == {"authenticated_at", "fresh_until"}
    assert (await client.post(KEYS, json=KEY, headers=seller.headers)).status_code == 201
    action = select(AuditEntry).where(AuditEntry.action == "session.stepped_up")
    assert (await session.scalars(action)).one().actor_id == seller.id
    later.shift(FRESH_FOR + timedelta(seconds=1))
    assert (await client.post(KEYS, json=KEY, headers=seller.headers)).status_code == 403


async def test_one_session_steps_up_for_itself_alone(
    client: httpx.AsyncClient, seller: Caller, later: time_machine.Traveller
) -> None:
    form = {"username": seller.username, "password": PASSWORD}
    other = (await client.post("/api/v1/auth/token", data=form)).json()["access_token"]
    later.shift(FRESH_FOR)
    await client.post(STEP_UP, json={"password": PASSWORD}, headers=seller.headers)
    headers = {"Authorization": f"Bearer {other}"}
    later.shift(timedelta(seconds=2))
    assert (await client.post(KEYS, json=KEY, headers=headers)).json()["code"] == "step-up-required"


async def test_a_refresh_proves_nothing(client: httpx.AsyncClient, seller: Caller) -> None:
    form = {"username": seller.username, "password": PASSWORD}
    first = (await client.post("/api/v1/auth/token", data=form)).json()
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True):
        body = {"refresh_token": first["refresh_token"]}
        next_pair = (await client.post("/api/v1/auth/refresh", json=body)).json()
        headers = {"Authorization": f"Bearer {next_pair['access_token']}"}
        assert (await client.post(KEYS, json=KEY, headers=headers)).json()["code"] == "step-up-required"


@pytest.mark.usefixtures("later")
async def test_a_wrong_password_is_counted_and_proves_nothing(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    for _ in range(5):
        wrong = await client.post(STEP_UP, json={"password": "Wrong-horse-1!"}, headers=seller.headers)
        assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-password")
    locked = await client.post(STEP_UP, json={"password": PASSWORD}, headers=seller.headers)
    assert (locked.status_code, locked.json()["code"]) == (429, "account-locked")
    assert (await client.post(KEYS, json=KEY, headers=seller.headers)).status_code == 403


async def test_an_account_with_an_app_needs_its_code_too(client: httpx.AsyncClient, seller: Caller) -> None:
    enrolled, headers = await enrol(client, seller), seller.headers
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True):
        alone = await client.post(STEP_UP, json={"password": PASSWORD}, headers=headers)
        assert (alone.status_code, alone.json()["code"]) == (403, "second-factor-needed")
        wrong = {"password": PASSWORD, "code": enrolled.wrong_code()}
        refused = await client.post(STEP_UP, json=wrong, headers=headers)
        assert refused.json()["code"] == "wrong-second-factor"
        # The password in the body, enough for an account without one, is not enough here.
        inline = await client.post(f"{MFA}/totp/disable", json={"password": PASSWORD}, headers=headers)
        assert inline.json()["code"] == "step-up-required"
        change = {"current_password": PASSWORD, "new_password": "Another-horse-2!"}
        changed = await client.post("/api/v1/auth/change-password", json=change, headers=headers)
        assert changed.json()["code"] == "step-up-required"
        both = {"password": PASSWORD, "code": enrolled.code()}
        assert (await client.post(STEP_UP, json=both, headers=headers)).status_code == 200
        assert (await client.post(f"{MFA}/totp/disable", headers=headers)).status_code == 204


async def test_a_recovery_code_stands_in_for_the_app(client: httpx.AsyncClient, seller: Caller) -> None:
    enrolled, headers = await enrol(client, seller), seller.headers
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True):
        body = {"password": PASSWORD, "recovery_code": enrolled.recovery_codes[0]}
        assert (await client.post(STEP_UP, json=body, headers=headers)).status_code == 200
        again = await client.post(STEP_UP, json=body, headers=headers)
        assert again.json()["code"] == "wrong-second-factor"


@pytest.mark.usefixtures("later")
async def test_the_password_in_the_body_is_proof_enough_without_an_app(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    begun = await client.post(f"{MFA}/totp", json={"password": PASSWORD}, headers=seller.headers)
    assert begun.status_code == 201, begun.text


async def test_a_passkey_makes_its_own_session_fresh_and_no_other(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    device = await registered(client, seller)
    stranger = await sign_up()
    theirs = await registered(client, stranger)
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True):
        foreign = {"credential": theirs.get(await login_options(client))}
        refused = await client.post(STEP_UP, json=foreign, headers=seller.headers)
        assert refused.json()["code"] == "passkey-refused"
        own = {"credential": device.get(await login_options(client))}
        assert (await client.post(STEP_UP, json=own, headers=seller.headers)).status_code == 200
        assert (await client.post(KEYS, json=KEY, headers=seller.headers)).status_code == 201
        again = await client.post(STEP_UP, json=own, headers=seller.headers)
        assert again.json()["code"] == "passkey-refused"


async def test_an_api_key_never_steps_up(client: httpx.AsyncClient, seller: Caller) -> None:
    made = await client.post(f"{KEYS}/generate", headers=seller.headers)
    headers = {"X-API-Key": made.json()["api_key"]}
    refused = await client.post(STEP_UP, json={"password": PASSWORD}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "session-required")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"password": PASSWORD, "credential": {}},
        {"code": "123456"},
        {"password": PASSWORD, "code": "1", "x": 1},
    ],
)
async def test_a_proof_is_one_proof(client: httpx.AsyncClient, seller: Caller, body: dict[str, Any]) -> None:
    refused = await client.post(STEP_UP, json=body, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation")


async def test_a_registration_that_was_begun_freshly_may_end_later(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    options, device = await creation_options(client, seller), Authenticator()
    with time_machine.travel(utc_now() + timedelta(minutes=4), tick=True):
        body = {"name": "Key", "credential": device.create(options)}
        made = await client.post(f"{PASSKEYS}/register/verify", json=body, headers=seller.headers)
        assert made.status_code == 201, made.text


async def test_each_new_key_is_told_to_its_owner(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    made = (await client.post(KEYS, json=KEY, headers=seller.headers)).json()
    await client.post(f"{KEYS}/{made['id']}/rotate", headers=seller.headers)
    events = select(OutboxEvent).where(OutboxEvent.type == "user.api_key_made").order_by(OutboxEvent.id)
    payloads = [event.payload for event in await session.scalars(events)]
    assert [payload["key_name"] for payload in payloads] == ["till", "till"]
    assert made["api_key"] not in str(payloads)


async def test_a_role_is_given_by_a_fresh_session_alone(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    path = f"/api/v1/admin/users/{seller.id}/role"
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True):
        refused = await client.put(path, json={"role": "admin"}, headers=admin.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "step-up-required")
        assert (await client.get(ME, headers=seller.headers)).json()["role"] == "user"
        await client.post(STEP_UP, json={"password": PASSWORD}, headers=admin.headers)
        assert (await client.put(path, json={"role": "admin"}, headers=admin.headers)).status_code == 200


async def test_staff_remove_a_lost_factor_of_others_alone(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    enrolled, admin = await enrol(client, seller), await sign_up(Role.ADMIN)
    path = f"/api/v1/admin/users/{enrolled.caller.id}/second-factor"
    assert (await client.delete(path, headers=enrolled.caller.headers)).status_code == 403
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    gone = await client.delete(path, headers=admin.headers)
    assert (gone.status_code, gone.json()["code"]) == (409, "no-second-factor")
    entry = select(AuditEntry).where(AuditEntry.action == "user.second_factor_removed")
    assert (await session.scalars(entry)).one().actor_id == admin.id
    told = select(OutboxEvent).where(OutboxEvent.type == "user.credentials_ended")
    assert "authenticator app" in str((await session.scalars(told)).one().payload["what"])
    form = {"username": enrolled.caller.username, "password": PASSWORD}
    assert (await client.post("/api/v1/auth/token", data=form)).status_code == 200
    await enrol(client, admin)
    own = f"/api/v1/admin/users/{admin.id}/second-factor"
    assert (await client.delete(own, headers=admin.headers)).json()["code"] == "own-account"
    with time_machine.travel(utc_now() + FRESH_FOR + timedelta(seconds=5), tick=True):
        stale = await client.delete(path, headers=admin.headers)
        assert stale.json()["code"] == "step-up-required"
