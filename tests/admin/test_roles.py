"""Who may give which role, close whom, and that an administrator always stays."""

import asyncio
from itertools import pairwise

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.identity.models import User
from app.identity.permissions import ADMINISTRATORS, Permission, Role, outranks, permissions_of
from tests.conftest import Caller, SignUp, audit_entries, change_account

USERS = "/api/v1/admin/users"


async def give(client: httpx.AsyncClient, by: Caller, to: Caller, role: str) -> httpx.Response:
    return await client.put(f"{USERS}/{to.id}/role", json={"role": role}, headers=by.headers)


async def deactivate(client: httpx.AsyncClient, by: Caller, who: Caller) -> httpx.Response:
    return await client.post(f"{USERS}/{who.id}/deactivate", headers=by.headers)


def test_every_role_may_what_the_role_below_it_may() -> None:
    for lower, higher in pairwise(Role):
        assert permissions_of(lower) <= permissions_of(higher)
        assert outranks(higher, lower)
        assert not outranks(lower, higher)
        assert not outranks(lower, lower)
    assert permissions_of(Role.SUPER_ADMIN) == frozenset(Permission)


async def test_a_new_role_counts_at_once_and_ends_the_sessions_of_the_old_one(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    admin, ada = await sign_up(Role.ADMIN), await sign_up()
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 200
    answer = await give(client, admin, ada, "moderator")
    assert answer.status_code == 200
    assert (answer.json()["role"], answer.json()["version"]) == ("moderator", 2)
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).json()["code"] == "invalid-token"
    (entry,) = await audit_entries(client, admin, action="user.role_changed")
    assert entry["changes"] == {"role": ["user", "moderator"]}
    assert (entry["actor_id"], entry["target_id"]) == (admin.id, str(ada.id))


async def test_the_same_role_again_ends_no_session(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    admin, ada = await sign_up(Role.ADMIN), await sign_up()
    answer = await give(client, admin, ada, "user")
    assert (answer.status_code, answer.json()["version"]) == (200, 1)
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 200


async def test_a_closed_account_loses_access_at_once_and_can_be_opened_again(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    admin, ada = await sign_up(Role.ADMIN), await sign_up()
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 200
    answer = await deactivate(client, admin, ada)
    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 401
    assert (await deactivate(client, admin, ada)).json()["version"] == answer.json()["version"]
    answer = await client.post(f"{USERS}/{ada.id}/activate", headers=admin.headers)
    assert (answer.status_code, answer.json()["is_active"]) == (200, True)
    assert (await client.get("/api/v1/users/me", headers=ada.headers)).status_code == 401, (
        "old sessions stay ended"
    )


async def test_nobody_changes_their_own_role_or_closes_their_own_account(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    await sign_up(Role.ADMIN)
    answers = [
        await give(client, admin, admin, "moderator"),
        await give(client, admin, admin, "admin"),
        await deactivate(client, admin, admin),
        await client.post(f"{USERS}/{admin.id}/activate", headers=admin.headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "own-account")] * 4


async def test_nobody_acts_on_an_account_above_their_own(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    admin, above = await sign_up(Role.ADMIN), await sign_up(Role.SUPER_ADMIN)
    answers = [
        await give(client, admin, above, "user"),
        await deactivate(client, admin, above),
        await client.post(f"{USERS}/{above.id}/end-sessions", headers=admin.headers),
        await client.post(f"{USERS}/{above.id}/unlock", headers=admin.headers),
        await client.patch(f"{USERS}/{above.id}", json={"full_name": "Fool"}, headers=admin.headers),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(403, "outranked")] * 5
    entries = await audit_entries(client, admin)
    assert [entry["action"] for entry in entries] == ["access.refused"] * 5


async def test_an_administrator_gives_roles_up_to_their_own_and_super_admin_to_nobody(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    admin, super_admin = await sign_up(Role.ADMIN), await sign_up(Role.SUPER_ADMIN)
    ada = await sign_up()
    assert (await give(client, admin, ada, "admin")).status_code == 200
    assert (await give(client, admin, ada, "user")).status_code == 200
    for by in (admin, super_admin):
        answer = await give(client, by, ada, "super_admin")
        assert (answer.status_code, answer.json()["code"]) == (403, "super-admin-fixed")
    other = await sign_up(Role.SUPER_ADMIN)
    assert (await give(client, super_admin, other, "user")).json()["code"] == "super-admin-fixed"
    assert (await give(client, admin, ada, "owner")).status_code == 422


async def test_the_last_administrator_stays(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    admin = await sign_up(Role.ADMIN)
    for answer in (await give(client, admin, admin, "user"), await deactivate(client, admin, admin)):
        assert (answer.status_code, answer.json()["code"]) == (409, "last-admin")


async def administrators(app: FastAPI) -> int:
    async with app.state.database.read_sessions() as session:
        statement = select(func.count()).where(User.role.in_(ADMINISTRATORS), User.is_active)
        return int(await session.scalar(statement))


@pytest.mark.parametrize("action", ["demote", "close", "both"])
async def test_two_administrators_who_remove_each_other_at_once_leave_one(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, action: str
) -> None:
    for _ in range(5):
        one, two = await live_sign_up(Role.ADMIN), await live_sign_up(Role.ADMIN)
        for admin in (one, two):
            assert (await live_client.get("/api/v1/users/me", headers=admin.headers)).status_code == 200
        first = (
            give(live_client, one, two, "user") if action != "close" else deactivate(live_client, one, two)
        )
        second = (
            give(live_client, two, one, "user") if action == "demote" else deactivate(live_client, two, one)
        )
        answers = await asyncio.gather(first, second)
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[1] in {401, 409}, [answer.text for answer in answers]
        assert await administrators(live_app) == 1
        async with live_app.state.database.sessions.begin() as session:
            for admin in (one, two):
                await change_account(session, admin.id, role="user")


async def test_whoever_lost_their_role_on_the_way_removes_nobody(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    await live_sign_up(Role.SUPER_ADMIN)
    for _ in range(5):
        one, two = await live_sign_up(Role.ADMIN), await live_sign_up(Role.ADMIN)
        for admin in (one, two):
            await live_client.get("/api/v1/users/me", headers=admin.headers)
        answers = await asyncio.gather(
            give(live_client, one, two, "user"), give(live_client, two, one, "user")
        )
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[1] in {401, 403}
    assert await administrators(live_app) == 6
