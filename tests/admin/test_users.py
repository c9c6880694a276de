"""Finding, reading and mending accounts."""

import httpx
import pytest
from dirty_equals import IsPartialDict, IsStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import LoginFailure, User
from app.identity.permissions import Role
from app.identity.sessions.gate import account_key
from tests.conftest import PASSWORD, Caller, SignUp, audit_entries

USERS = "/api/v1/admin/users"


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


async def names(client: httpx.AsyncClient, admin: Caller, **query: object) -> list[str]:
    answer = await client.get(USERS, params={"sort": "username", **query}, headers=admin.headers)  # type: ignore[dict-item]  # httpx encodes what str() can
    assert answer.status_code == 200, answer.text
    return [user["username"] for user in answer.json()["items"]]


async def rename(session: AsyncSession, user_id: int, **values: object) -> None:
    user = await session.get_one(User, user_id)
    for name, value in values.items():
        setattr(user, name, value)
    await session.commit()


async def test_accounts_are_found_by_part_of_name_or_address_whatever_case_and_accents(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp, admin: Caller
) -> None:
    ada, zoe = await sign_up(username="ada"), await sign_up(username="zoe")
    await rename(session, ada.id, full_name="Ada Lovelace")
    await rename(session, zoe.id, full_name="Zoë Müller", first_name="Zoë", last_name="Müller")
    assert await names(client, admin, search="LOVE") == ["ada"]
    assert await names(client, admin, search="zoe mul") == ["zoe"]
    assert await names(client, admin, search="ada@example") == ["ada"]
    assert await names(client, admin, search="nobody") == []


@pytest.mark.parametrize("wildcard", ["%", "_", "\\", "％", "a%a"])
async def test_wildcards_in_a_search_stand_for_themselves(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp, admin: Caller, wildcard: str
) -> None:
    ada = await sign_up(username="ada")
    assert await names(client, admin, search=wildcard) == []
    await rename(session, ada.id, full_name=f"Ada {wildcard} Lovelace")
    assert await names(client, admin, search=wildcard) == ["ada"]


async def test_accounts_are_filtered_by_role_state_and_verification(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp, admin: Caller
) -> None:
    await sign_up(Role.MODERATOR, "mona")
    closed, proven = await sign_up(username="closed"), await sign_up(username="proven")
    await rename(session, closed.id, is_active=False)
    await rename(session, proven.id, is_verified=True)
    assert await names(client, admin, role="moderator") == ["mona"]
    assert await names(client, admin, active="false") == ["closed"]
    assert await names(client, admin, verified="true") == ["proven"]
    assert await names(client, admin, role="user", active="true", verified="false") == []


async def test_a_list_pages_by_cursor_and_refuses_unknown_parameters(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller
) -> None:
    for name in ("ada", "bea", "cleo", "dora", "emma"):
        await sign_up(username=name)
    query = {"role": "user", "sort": "-username", "limit": "2"}
    found: list[str] = []
    while True:
        page = (await client.get(USERS, params=query, headers=admin.headers)).json()
        found += [user["username"] for user in page["items"]]
        assert page["total"] == 5
        if not page["has_next"]:
            break
        query["cursor"] = page["next_cursor"]
    assert found == ["emma", "dora", "cleo", "bea", "ada"]
    answer = await client.get(USERS, params={"is_admin": "1"}, headers=admin.headers)
    assert answer.status_code == 422
    answer = await client.get(
        USERS, params={"limit": "2", "role": "admin", "cursor": query["cursor"]}, headers=admin.headers
    )
    assert answer.json()["code"] == "invalid-cursor"


async def test_an_account_is_read_without_its_secrets_and_with_a_tag(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller
) -> None:
    ada = await sign_up(username="ada")
    answer = await client.get(f"{USERS}/{ada.id}", headers=admin.headers)
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.json() == IsPartialDict(id=ada.id, username="ada", role="user", is_active=True, version=1)
    assert not any("password" in field or "key" in field for field in answer.json())
    again = await client.get(
        f"{USERS}/{ada.id}", headers={**admin.headers, "If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


async def test_staff_mend_names_and_verification_and_it_is_audited(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller
) -> None:
    ada = await sign_up(username="ada")
    change = {"full_name": "Ada Lovelace", "is_verified": True}
    answer = await client.patch(f"{USERS}/{ada.id}", json=change, headers=admin.headers)
    assert answer.json() == IsPartialDict(full_name="Ada Lovelace", is_verified=True, version=2)
    assert answer.headers["etag"] == '"2"'
    (entry,) = await audit_entries(client, admin)
    assert entry == IsPartialDict(
        action="user.changed",
        actor_id=admin.id,
        session_id=IsStr(),
        target="user",
        target_id=str(ada.id),
        changes={"full_name": [None, "Ada Lovelace"], "is_verified": [False, True]},
        ip="127.0.0.1",
        request_id=answer.headers["x-request-id"],
    )


async def test_a_change_that_changes_nothing_is_not_audited(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller
) -> None:
    ada = await sign_up()
    answer = await client.patch(f"{USERS}/{ada.id}", json={"is_verified": False}, headers=admin.headers)
    assert answer.json()["version"] == 1
    assert await audit_entries(client, admin) == []


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"email": "mallory@example.com"},
        {"role": "admin"},
        {"is_active": False},
        {"id": 1},
        {"version": 9},
        {"username": "mallory"},
        {"is_verified": None},
        {"full_name": "a\u0000b"},
        {"full_name": "x" * 101},
    ],
)
async def test_nothing_else_of_an_account_can_be_set(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller, body: dict[str, object]
) -> None:
    ada = await sign_up()
    answer = await client.patch(f"{USERS}/{ada.id}", json=body, headers=admin.headers)
    assert answer.status_code == 422


async def test_a_stale_if_match_is_refused_by_every_write(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller
) -> None:
    ada = await sign_up()
    headers = {**admin.headers, "If-Match": '"7"'}
    for method, path, body in (
        ("PATCH", "", {"full_name": "Ada"}),
        ("PUT", "/role", {"role": "moderator"}),
        *(("POST", f"/{verb}", None) for verb in ("activate", "deactivate", "unlock", "end-sessions")),
    ):
        answer = await client.request(method, f"{USERS}/{ada.id}{path}", json=body, headers=headers)
        assert answer.json()["code"] == "stale-version", path
    headers["If-Match"] = '"1"'
    answer = await client.patch(f"{USERS}/{ada.id}", json={"full_name": "Ada"}, headers=headers)
    assert answer.status_code == 200


async def test_an_unknown_account_is_not_found_by_any_operation(
    client: httpx.AsyncClient, admin: Caller
) -> None:
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"full_name": "Ada"}),
        ("PUT", "/role", {"role": "user"}),
        *(("POST", f"/{verb}", None) for verb in ("activate", "deactivate", "unlock", "end-sessions")),
    ):
        answer = await client.request(method, f"{USERS}/999999{path}", json=body, headers=admin.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "account-not-found"), path


async def test_nobody_vouches_for_their_own_address(client: httpx.AsyncClient, admin: Caller) -> None:
    answer = await client.patch(f"{USERS}/{admin.id}", json={"is_verified": True}, headers=admin.headers)
    assert answer.json()["code"] == "own-account"
    answer = await client.patch(f"{USERS}/{admin.id}", json={"full_name": "Ada"}, headers=admin.headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("role", [Role.USER, Role.MODERATOR])
async def test_only_administrators_manage_accounts(
    client: httpx.AsyncClient, sign_up: SignUp, role: Role
) -> None:
    caller, ada = await sign_up(role), await sign_up()
    for method, path, permission in (
        ("GET", "", "users:read"),
        ("GET", f"/{ada.id}", "users:read"),
        ("PATCH", f"/{ada.id}", "users:manage"),
        ("PUT", f"/{ada.id}/role", "roles:assign"),
        ("POST", f"/{ada.id}/deactivate", "users:manage"),
        ("POST", f"/{ada.id}/unlock", "users:manage"),
    ):
        body = {"role": "user"} if path.endswith("role") else {} if method == "PATCH" else None
        answer = await client.request(method, USERS + path, json=body, headers=caller.headers)
        assert answer.status_code == 403
        assert f'scope="{permission}"' in answer.headers["www-authenticate"]


async def test_unlocking_forgets_the_failed_logins_of_that_account_alone(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp, admin: Caller
) -> None:
    ada, bea = await sign_up(), await sign_up()
    for account in (account_key(ada.id), account_key(bea.id)):
        session.add_all(LoginFailure(account=account, client=client_) for client_ in ("10.0.0.1", "10.0.0.2"))
    await session.commit()
    answer = await client.post(f"{USERS}/{ada.id}/unlock", headers=admin.headers)
    assert answer.status_code == 204
    left = (await session.scalars(select(LoginFailure.account))).all()
    assert left == [account_key(bea.id)] * 2
    (entry,) = await audit_entries(client, admin)
    assert (entry["action"], entry["target_id"]) == ("user.unlocked", str(ada.id))


async def test_ending_sessions_stops_every_token_of_the_account_at_once(
    client: httpx.AsyncClient, sign_up: SignUp, admin: Caller
) -> None:
    ada = await sign_up()
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 200
    answer = await client.post(f"{USERS}/{ada.id}/end-sessions", headers=admin.headers)
    assert answer.status_code == 204
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 401
    assert (await client.get("/api/v1/users/me", headers=admin.headers)).status_code == 200
