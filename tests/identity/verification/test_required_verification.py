"""Where the shop asks for it, only accounts with a proven address sell."""

import httpx

from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.identity.verification.service import TokenPurpose, issue
from devstack import Servers
from tests.conftest import Caller, client_of, make_account, running_app, settings_for

ITEM = {"title": "Fountain pen", "price": 24.9}
BOOK = {"title": "Sketch of the Analytical Engine", "author": "Ada Lovelace", "price": 9.5}


async def sell(client: httpx.AsyncClient, caller: Caller) -> list[httpx.Response]:
    return [
        await client.post("/api/v1/items", json=ITEM, headers=caller.headers),
        await client.post("/api/v1/books", json=BOOK, headers=caller.headers),
    ]


async def test_selling_waits_for_the_proof_where_the_shop_asks_for_it(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, require_verified_email=True)
    async with running_app(settings) as application, client_of(application) as client:
        database, cache = application.state.database, application.state.cache
        async with transaction(database, cache) as session:
            caller = await make_account(application, session)
            admin = await make_account(application, session, Role.ADMIN)
            token = await issue(
                session, caller.id, TokenPurpose.VERIFY_EMAIL, f"{caller.username}@example.com"
            )
        for refused in await sell(client, caller):
            assert (refused.status_code, refused.json()["code"]) == (403, "email-not-verified")
        assert (await client.get("/api/v1/users/me", headers=caller.headers)).status_code == 200
        assert (await client.post("/api/v1/auth/verify-email", json={"token": token})).status_code == 200
        assert [answer.status_code for answer in await sell(client, caller)] == [201, 201]
        doubted = await client.patch(
            f"/api/v1/admin/users/{caller.id}", json={"is_verified": False}, headers=admin.headers
        )
        assert doubted.json()["is_verified"] is False
        assert [answer.status_code for answer in await sell(client, caller)] == [403, 403]


async def test_by_default_nobody_has_to_prove_an_address_to_sell(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    assert [answer.status_code for answer in await sell(client, seller)] == [201, 201]
