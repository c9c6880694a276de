"""Revocation, introspection, metadata, as their RFCs have them."""

import httpx
from dirty_equals import IsInt, IsStr
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, change_account
from tests.identity.sessions.calls import AUTH, OWN_ORIGIN, forget, refresh, status_of_me, tokens_of

ALL_OF_A_USER = "items:write orders:read orders:write profile:read profile:write"


async def revoke(client: httpx.AsyncClient, token: str, **form: str) -> httpx.Response:
    return await client.post(f"{AUTH}/revoke", data={"token": token, **form})


async def introspect(client: httpx.AsyncClient, caller: Caller, token: str) -> httpx.Response:
    return await client.post(f"{AUTH}/introspect", data={"token": token}, headers=caller.headers)


async def test_revoking_either_token_ends_the_session(client: httpx.AsyncClient, seller: Caller) -> None:
    for kind in ("access_token", "refresh_token"):
        tokens = await tokens_of(client, seller.username)
        answer = await revoke(client, tokens[kind], token_type_hint="whatever")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert await status_of_me(client, tokens["access_token"]) == 401
        assert (await refresh(client, tokens["refresh_token"])).status_code == 401
        assert (await revoke(client, tokens[kind])).status_code == 200


async def test_revoking_what_is_no_token_is_no_error(client: httpx.AsyncClient) -> None:
    for token in ("x", "rt_x", "a.b.c", "\0"):
        assert (await revoke(client, token)).status_code == 200
    assert (await client.post(f"{AUTH}/revoke", data={"token": ""})).status_code == 422


async def test_introspection_tells_what_a_token_is_worth(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    tokens = await tokens_of(client, seller.username)
    answer = await introspect(client, admin, tokens["access_token"])
    assert answer.headers["cache-control"] == "no-store"
    shared = {
        "active": True,
        "scope": ALL_OF_A_USER,
        "username": seller.username,
        "exp": IsInt(gt=0),
        "iat": IsInt(gt=0),
        "sub": str(seller.id),
        "sid": IsStr(),
    }
    assert answer.json() == {
        **shared,
        "token_type": "Bearer",
        "aud": "bookstore-api",
        "iss": OWN_ORIGIN,
        "jti": IsStr(),
    }
    assert (await introspect(client, admin, tokens["refresh_token"])).json() == shared


async def test_of_a_token_that_does_not_work_introspection_tells_nothing(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    tokens = await tokens_of(client, seller.username)
    used = tokens["refresh_token"]
    tokens = (await refresh(client, used)).json()
    await revoke(client, tokens["access_token"])
    for token in ("x", "rt_x", used, tokens["access_token"], tokens["refresh_token"]):
        answer = await introspect(client, admin, token)
        assert (answer.status_code, answer.json()) == (200, {"active": False})


async def test_introspection_sees_a_lower_role_at_once(
    app: FastAPI, client: httpx.AsyncClient, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    admin = await sign_up(Role.ADMIN)
    tokens = await tokens_of(client, moderator.username)
    await change_account(session, moderator.id, role="user")
    await forget(app, moderator.id)
    assert (await introspect(client, admin, tokens["access_token"])).json()["scope"] == ALL_OF_A_USER


async def test_introspection_needs_its_permission(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    token = (await tokens_of(client, seller.username))["access_token"]
    answer = await introspect(client, moderator, token)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
    assert 'scope="tokens:introspect"' in answer.headers["www-authenticate"]
    assert (await client.post(f"{AUTH}/introspect", data={"token": token})).status_code == 401


async def test_the_metadata_names_endpoints_that_exist(client: httpx.AsyncClient) -> None:
    metadata = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == OWN_ORIGIN
    assert "items:write" in metadata["scopes_supported"]
    for name in ("token", "revocation", "introspection"):
        path = metadata[f"{name}_endpoint"].removeprefix(OWN_ORIGIN)
        assert (await client.post(path, data={"unknown": "x"})).status_code in {401, 422}, name
    assert (await client.get(metadata["jwks_uri"].removeprefix(OWN_ORIGIN))).json() == {"keys": []}
