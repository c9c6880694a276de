"""One's own account over HTTP: reading, changing, closing."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.transaction import transaction
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import (
    PASSWORD,
    Audit,
    Caller,
    SignUp,
    account_of,
    client_of,
    events_of,
    make_account,
    running_app,
    settings_for,
)

ME = "/api/v1/users/me"
TOKEN = "/api/v1/auth/token"


async def test_a_change_answers_the_new_version_and_a_stale_one_is_refused(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    before = await client.get(ME, headers=seller.headers)
    headers = {**seller.headers, "If-Match": before.headers["etag"]}
    changed = await client.patch(ME, json={"first_name": "Ada", "newsletter": True}, headers=headers)
    assert changed.status_code == 200
    assert changed.json() == before.json() | {
        "first_name": "Ada",
        "newsletter": True,
        "version": before.json()["version"] + 1,
        "updated_at": changed.json()["updated_at"],
    }
    assert changed.headers["etag"] != before.headers["etag"]
    assert (await client.get(ME, headers=seller.headers)).json() == changed.json()
    stale = await client.patch(ME, json={"first_name": "Eve"}, headers=headers)
    assert stale.status_code == 412
    assert stale.json()["code"] == "stale-version"
    not_modified = await client.get(ME, headers={**seller.headers, "If-None-Match": changed.headers["etag"]})
    assert not_modified.status_code == 304


async def test_a_patch_of_nothing_changes_nothing(client: httpx.AsyncClient, seller: Caller) -> None:
    before = await client.get(ME, headers=seller.headers)
    answer = await client.patch(ME, json={}, headers=seller.headers)
    assert answer.json() == before.json()


async def test_putting_a_profile_empties_what_is_left_out(client: httpx.AsyncClient, seller: Caller) -> None:
    email = f"{seller.username}@example.com"
    await client.patch(ME, json={"phone": "+442079460018", "full_name": "Ada"}, headers=seller.headers)
    answer = await client.put(ME, json={"email": email, "last_name": "L"}, headers=seller.headers)
    assert answer.status_code == 200
    assert (answer.json()["phone"], answer.json()["full_name"], answer.json()["last_name"]) == (
        None,
        None,
        "L",
    )
    assert answer.json()["email"] == email


@pytest.mark.parametrize(
    "change",
    [
        {"role": "admin"},
        {"is_verified": True},
        {"is_active": False},
        {"id": 1},
        {"username": "eve"},
        {"password": "Another-horse-2!"},
        {"pending_email": "eve@example.com"},
        {"email": None},
        {"newsletter": None},
        {"phone": "123"},
        {"date_of_birth": "2999-01-01"},
    ],
)
async def test_what_is_not_the_owners_to_set_is_refused(
    client: httpx.AsyncClient, seller: Caller, change: dict[str, object]
) -> None:
    put = {"email": f"{seller.username}@example.com"} | change
    for answer in (
        await client.patch(ME, json=change, headers=seller.headers),
        await client.put(ME, json=put, headers=seller.headers),
    ):
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == list(change)


async def test_sms_needs_a_phone_before_and_after(client: httpx.AsyncClient, seller: Caller) -> None:
    async def patch(**change: object) -> httpx.Response:
        return await client.patch(ME, json=change, headers=seller.headers)

    refused = await patch(notifications="sms")
    assert (refused.status_code, refused.json()["code"]) == (409, "phone-needed")
    assert (await patch(notifications="sms", phone="+442079460018")).status_code == 200
    assert (await patch(phone=None)).status_code == 409
    assert (await patch(phone=None, notifications="none")).status_code == 200


async def test_profile_changes_are_audited_field_by_field(
    client: httpx.AsyncClient, seller: Caller, audit: Audit
) -> None:
    await client.patch(ME, json={"first_name": "Ada"}, headers=seller.headers)
    (entry,) = await audit(action="user.profile_changed")
    assert (entry["actor_id"], entry["target_id"]) == (seller.id, str(seller.id))
    assert entry["changes"] == {"first_name": [None, "Ada"]}


async def test_a_new_address_waits_for_its_proof(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, moderator: Caller
) -> None:
    taken = f"{moderator.username}@example.com"
    for address in ("new@example.com", taken):
        answer = await client.patch(ME, json={"email": address}, headers=seller.headers)
        assert answer.status_code == 200
        assert answer.json()["email"] == f"{seller.username}@example.com"
        assert answer.json()["pending_email"] == address
        asked = await events_of(session, "user.email_change_requested")
        assert asked[-1] == {"user_id": seller.id, "new_email": address}
    back = await client.patch(ME, json={"email": f"{seller.username}@example.com"}, headers=seller.headers)
    assert back.json()["pending_email"] is None


async def test_closing_the_account_ends_every_token_at_once(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    form = {"username": seller.username, "password": PASSWORD}
    tokens = (await client.post(TOKEN, data=form)).json()
    second = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await client.get(ME, headers=second)).status_code == 200
    assert (await client.delete(ME, headers=seller.headers)).status_code == 204
    for headers in (seller.headers, second):
        refused = await client.get(ME, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")
    again = await client.post(TOKEN, data=form)
    assert (again.status_code, again.json()["code"]) == (401, "wrong-credentials")
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401


async def test_closing_honours_if_match(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await client.delete(ME, headers={**seller.headers, "If-Match": '"99"'})
    assert answer.status_code == 412
    assert (await client.get(ME, headers=seller.headers)).status_code == 200


async def test_the_last_administrator_cannot_leave(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    first, second = await sign_up(Role.ADMIN), await sign_up(Role.ADMIN)
    assert (await client.delete(ME, headers=first.headers)).status_code == 204
    refused = await client.delete(ME, headers=second.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "last-admin")


async def test_of_two_administrators_who_leave_at_once_one_stays(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    admins = [await live_sign_up(Role.ADMIN) for _ in range(2)]
    async with client_of(live_app) as client:
        answers = await asyncio.gather(*(client.delete(ME, headers=admin.headers) for admin in admins))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_of_twenty_changes_of_one_version_one_wins(live_app: FastAPI, live_sign_up: SignUp) -> None:
    caller = await live_sign_up()
    async with client_of(live_app) as client:
        etag = (await client.get(ME, headers=caller.headers)).headers["etag"]
        headers = {**caller.headers, "If-Match": etag}
        answers = await asyncio.gather(
            *(client.patch(ME, json={"first_name": f"Ada {n}"}, headers=headers) for n in range(20))
        )
        now = await client.get(ME, headers=caller.headers)
    (winner,) = [answer for answer in answers if answer.status_code == 200]
    assert {answer.status_code for answer in answers} == {200, 412}
    assert now.json() == winner.json()


async def test_permissions_are_those_of_credentials_and_role(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    answer = await client.get(f"{ME}/permissions", headers=seller.headers)
    assert answer.json() == {
        "role": "user",
        "permissions": ["items:write", "orders:read", "orders:write", "profile:read", "profile:write"],
        "role_permissions": ["items:write", "orders:read", "orders:write", "profile:read", "profile:write"],
    }
    form = {"username": moderator.username, "password": PASSWORD, "scope": "items:moderate"}
    token = (await client.post(TOKEN, data=form)).json()["access_token"]
    narrow = await client.get(f"{ME}/permissions", headers={"Authorization": f"Bearer {token}"})
    assert narrow.json()["permissions"] == ["items:moderate"]
    assert {"items:write", "items:moderate"} <= set(narrow.json()["role_permissions"])


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_nobody_reads_or_changes_an_account_without_credentials(
    client: httpx.AsyncClient, method: str
) -> None:
    assert (await client.request(method, ME, json={})).status_code == 401


async def test_a_change_and_a_closing_are_seen_by_the_next_read_whatever_was_cached(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    async with client_of(live_app) as client:
        for name in ("Ada", "Eve", "Joan"):
            await client.patch(ME, json={"first_name": name}, headers=caller.headers)
            assert (await client.get(ME, headers=caller.headers)).json()["first_name"] == name
        await client.delete(ME, headers=caller.headers)
        assert (await client.get(ME, headers=caller.headers)).status_code == 401
    async with live_app.state.database.sessions() as session:
        assert (await account_of(session, caller.id)).is_active is False


async def test_wishes_for_another_address_are_limited_and_other_changes_are_not(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, rate_limit={"email_change": "2/hour"})
    async with running_app(settings) as application, client_of(application) as client:
        async with transaction(application.state.database, application.state.cache) as session:
            caller = await make_account(application, session)
        own = f"{caller.username}@example.com"

        async def put(email: str, name: str) -> int:
            body = {"email": email, "first_name": name}
            return (await client.put(ME, json=body, headers=caller.headers)).status_code

        wishes = [await put(f"new{n}@example.com", "Ada") for n in range(3)]
        others = [await put(own, f"Ada {n}") for n in range(5)]
    assert wishes == [200, 200, 429]
    assert others == [200] * 5


PERSONAL = (
    "email",
    "pending_email",
    "full_name",
    "first_name",
    "last_name",
    "phone",
    "date_of_birth",
    "gender",
)


async def test_only_credentials_with_the_scope_read_what_is_personal(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    person = {"phone": "+442079460018", "first_name": "Ada", "full_name": "Ada L", "last_name": "L"}
    person |= {"date_of_birth": "1990-12-10", "gender": "female", "email": "new@example.com"}
    whole = await client.patch(ME, json=person, headers=seller.headers)
    assert all(whole.json()[name] for name in PERSONAL)

    async def read(headers: dict[str, str]) -> httpx.Response:
        return await client.get(ME, headers=headers)

    async def by_token(scope: str) -> dict[str, str]:
        form = {"username": seller.username, "password": PASSWORD, "scope": scope}
        token = (await client.post(TOKEN, data=form)).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    async def by_key(scope: str) -> dict[str, str]:
        wish = {"name": scope, "scopes": [scope]}
        made = await client.post("/api/v1/api-keys", json=wish, headers=seller.headers)
        return {"X-API-Key": made.json()["api_key"]}

    for credentials in (by_token, by_key):
        narrow = await read(await credentials("items:write"))
        assert narrow.status_code == 200
        assert narrow.json() == whole.json() | dict.fromkeys(PERSONAL)
        assert narrow.headers["etag"] != whole.headers["etag"]
        wide = await read(await credentials("profile:read"))
        assert (wide.json(), wide.headers["etag"]) == (whole.json(), whole.headers["etag"])


async def test_only_credentials_with_the_scope_change_or_close_the_account(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    async def by_token(scope: str) -> dict[str, str]:
        form = {"username": seller.username, "password": PASSWORD, "scope": scope}
        token = (await client.post(TOKEN, data=form)).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    narrow = await by_token("items:write profile:read")
    profile = {"email": f"{seller.username}@example.com"}
    for refused in (
        await client.patch(ME, json={"first_name": "Eve"}, headers=narrow),
        await client.put(ME, json=profile, headers=narrow),
        await client.delete(ME, headers=narrow),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
        assert 'scope="profile:write"' in refused.headers["www-authenticate"]
    writing = await by_token("profile:write")
    version = (await client.get(ME, headers=writing)).headers["etag"]
    changed = await client.patch(ME, json={"first_name": "Ada"}, headers={**writing, "If-Match": version})
    assert changed.status_code == 200
    # What may be written is not thereby read.
    assert (changed.json()["first_name"], changed.json()["email"]) == (None, None)
    assert (await client.get(ME, headers=seller.headers)).json()["first_name"] == "Ada"


async def test_several_ways_of_notification_are_kept_and_none_stands_alone(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    async def patch(**change: object) -> httpx.Response:
        return await client.patch(ME, json=change, headers=seller.headers)

    assert (await patch(notifications=["email", "sms"])).json()["code"] == "phone-needed"
    both = await patch(notifications=["push", "email"])
    assert (both.json()["notifications"], both.json()["notification_ways"]) == ("push", ["push", "email"])
    assert (await patch(notifications=["none", "email"])).status_code == 422
    none = await patch(notifications="none", gender="prefer_not_to_say")
    assert (none.json()["notifications"], none.json()["gender"]) == ("none", "prefer_not_to_say")
    assert (await patch(gender=None)).json()["gender"] is None
