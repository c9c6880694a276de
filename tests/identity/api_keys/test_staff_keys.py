"""Keys of staff: what they never carry out, and how long they last."""

from datetime import datetime, timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.permissions import SESSION_ONLY, Permission, Role
from tests.conftest import Caller, SignUp, change_account
from tests.identity.sessions.calls import forget

from .conftest import KEYS, ME, MakeKey, with_key

NINETY_DAYS = timedelta(days=90)
USERS = "/api/v1/admin/users"
AUDIT = "/api/v1/admin/audit"


@pytest.fixture
async def owner(sign_up: SignUp) -> Caller:
    """Somebody who may do everything."""
    return await sign_up(Role.SUPER_ADMIN)


async def test_a_key_never_manages_accounts_roles_the_audit_log_or_tokens_whatever_its_scopes(
    client: httpx.AsyncClient, owner: Caller, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(owner, scopes=sorted(Permission))
    account = f"{USERS}/{seller.id}"
    calls: list[tuple[str, str, dict[str, object]]] = [
        ("PATCH", account, {"json": {"full_name": "Mallory"}}),
        ("POST", f"{account}/deactivate", {}),
        ("POST", f"{account}/end-sessions", {}),
        ("PUT", f"{account}/role", {"json": {"role": "admin"}}),
        ("GET", AUDIT, {}),
        ("GET", f"{AUDIT}/export.ndjson", {}),
        ("GET", f"{AUDIT}/verify", {}),
        ("POST", "/api/v1/auth/introspect", {"data": {"token": "x"}}),
    ]
    for method, path, sent in calls:
        answer = await client.request(method, path, headers=with_key(made), **sent)  # type: ignore[arg-type]  # httpx types each keyword
        assert (answer.status_code, answer.json()["code"]) == (403, "session-required"), (method, path)
    assert (await client.get(ME, headers=seller.headers)).json()["full_name"] is None
    # What the key may do beside that is untouched, and it says itself what that is.
    assert (await client.get(USERS, headers=with_key(made))).status_code == 200
    shown = (await client.get(f"{ME}/permissions", headers=with_key(made))).json()
    assert set(shown["permissions"]) == set(Permission) - SESSION_ONLY
    assert set(shown["role_permissions"]) == set(Permission)


async def test_a_key_of_staff_lasts_ninety_days_unless_it_ends_before(
    client: httpx.AsyncClient, moderator: Caller, make_key: MakeKey
) -> None:
    generated = (await client.post(f"{KEYS}/generate", headers=moderator.headers)).json()
    for made in (await make_key(moderator), generated):
        lifetime = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
        assert lifetime == NINETY_DAYS
        assert (await client.get(f"{KEYS}/{made['id']}", headers=moderator.headers)).json() == {
            name: value for name, value in made.items() if name != "api_key"
        }
    tomorrow = (utc_now() + timedelta(days=1)).replace(microsecond=0)
    early = await make_key(moderator, expires_at=tomorrow.isoformat())
    assert datetime.fromisoformat(early["expires_at"]) == tomorrow


async def test_a_later_end_is_refused_naming_the_field_and_the_way_out(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, make_key: MakeKey
) -> None:
    late = (utc_now() + NINETY_DAYS + timedelta(minutes=1)).isoformat()
    body = {"name": "Import", "scopes": [], "expires_at": late}
    refused = await client.post(KEYS, json=body, headers=moderator.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "api-key-too-long")
    assert [error["field"] for error in refused.json()["errors"]] == ["expires_at"]
    assert "leave it out" in refused.json()["detail"]
    assert (await client.get(KEYS, headers=moderator.headers)).json()["total"] == 0
    assert (await make_key(seller, expires_at=late))["expires_at"] is not None


async def test_a_rotation_does_not_outrun_the_ninety_days(
    client: httpx.AsyncClient, session: AsyncSession, moderator: Caller, make_key: MakeKey
) -> None:
    old = await make_key(moderator)
    # As it was made before there was such a rule.
    await session.execute(text("UPDATE api_keys SET expires_at = NULL"))
    new = (await client.post(f"{KEYS}/{old['id']}/rotate", headers=moderator.headers)).json()
    lifetime = datetime.fromisoformat(new["expires_at"]) - datetime.fromisoformat(new["created_at"])
    assert NINETY_DAYS - timedelta(seconds=5) < lifetime <= NINETY_DAYS


async def test_a_key_that_was_made_before_its_owner_became_staff_ends_after_ninety_days_too(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, seller: Caller, make_key: MakeKey
) -> None:
    late = (utc_now() + timedelta(days=365)).isoformat()
    endless, long = (
        await make_key(seller, name="endless"),
        await make_key(seller, name="long", expires_at=late),
    )
    assert endless["expires_at"] is None
    with time_machine.travel(utc_now() + NINETY_DAYS + timedelta(minutes=1), tick=True):
        for made in (endless, long):
            assert (await client.get(ME, headers=with_key(made))).status_code == 200
        await change_account(session, seller.id, role=Role.MODERATOR.value)
        await forget(app, seller.id)
        for made in (endless, long):
            refused = await client.get(ME, headers=with_key(made))
            assert (refused.status_code, refused.json()["code"]) == (401, "invalid-api-key")
            assert "expired" in refused.json()["detail"]
    await change_account(session, seller.id, role=Role.USER.value)
    await forget(app, seller.id)
    with time_machine.travel(utc_now() + NINETY_DAYS + timedelta(minutes=1), tick=True):
        assert (await client.get(ME, headers=with_key(endless))).status_code == 200


async def test_the_list_shows_when_a_promoted_accounts_keys_end(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller, make_key: MakeKey
) -> None:
    made = await make_key(seller)
    await change_account(session, seller.id, role=Role.ADMIN.value)
    listed = (await client.get(KEYS, headers=seller.headers)).json()["items"][0]
    assert datetime.fromisoformat(listed["expires_at"]) == (
        datetime.fromisoformat(made["created_at"]) + NINETY_DAYS
    )
