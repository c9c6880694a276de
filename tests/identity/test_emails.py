"""The one normal form of user names and addresses, by itself, over HTTP, and for rows of before."""

import asyncio

import asyncpg
import httpx
import pytest
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from alembic import command
from app.identity.emails import login_key
from tests.conftest import PASSWORD, ROOT, events_of

REGISTER = "/api/v1/users/register"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com\u00a0", "ada@example.com"),
        ("\uff21\uff44\uff41@example.com", "ada@example.com"),
        ("\u212aelvin@example.com", "kelvin@example.com"),
        ("STRA\u1e9eE@example.com", "stra\u00dfe@example.com"),
        ("a@b\u00fccher.example", "a@xn--bcher-kva.example"),
        ("a@B\u00dcCHER.example", "a@XN--BCHER-KVA.example"),
        ("a@bu\u0308cher.example", "a@b\u00fccher.example"),
        ("\u039f\u0394\u039f\u03a3@example.com", "\u03bf\u03b4\u03bf\u03c3@example.com"),
    ],
)
def test_these_are_one_login(one: str, other: str) -> None:
    assert login_key(one) == login_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stra\u00dfe@example.com", "strasse@example.com"),
        # The dotless i and the dotted capital I of Turkish are letters of their own.
        ("m\u0131ke@example.com", "mike@example.com"),
        ("M\u0130KE@example.com", "mike@example.com"),
        ("M\u0130KE@example.com", "m\u0131ke@example.com"),
        ("\u0430da@example.com", "ada@example.com"),
        ("a@fa\u00df.example", "a@fass.example"),
        ("ada", "ada@example.com"),
    ],
)
def test_these_are_two(one: str, other: str) -> None:
    assert login_key(one) != login_key(other)


@given(st.text() | st.emails() | st.builds("{}@{}".format, st.text(), st.text()))
def test_the_form_of_a_form_is_itself(text: str) -> None:
    assert login_key(login_key(text)) == login_key(text)


async def test_an_address_is_taken_in_every_spelling_and_its_neighbour_is_free(
    client: httpx.AsyncClient,
) -> None:
    async def register(username: str, email: str) -> httpx.Response:
        body = {"username": username, "email": email, "password": PASSWORD}
        return await client.post(REGISTER, json=body)

    assert (await register("gruss", "gru\u00df@b\u00fccher.example")).status_code == 201
    for email in ("GRU\u00df@xn--bcher-kva.example", "gru\u00df@B\u00fccher.example"):
        taken = await register("other", email)
        assert (taken.status_code, taken.json()["code"]) == (409, "email-taken"), email
    assert (await register("neighbour", "gruss@b\u00fccher.example")).status_code == 201
    for login, name in (
        ("Gru\u00df@xn--bcher-kva.example", "gruss"),
        ("gruss@b\u00fccher.example", "neighbour"),
    ):
        form = {"username": login, "password": PASSWORD}
        opened = await client.post("/api/v1/auth/token", data=form)
        headers = {"Authorization": f"Bearer {opened.json()['access_token']}"}
        assert (await client.get("/api/v1/users/me", headers=headers)).json()["username"] == name


async def test_a_reset_goes_to_the_address_of_the_account_and_to_no_look_alike(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    body = {"username": "mike", "email": "mike@example.com", "password": PASSWORD}
    assert (await client.post(REGISTER, json=body)).status_code == 201
    for email in ("m\u0131ke@example.com", "mike@ex\u0430mple.com"):
        asked = await client.post("/api/v1/auth/password-reset", json={"email": email})
        assert asked.status_code == 202
    assert await events_of(session, "user.password_reset_requested") == []


def test_the_migration_gives_old_rows_the_new_form_and_refuses_none(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [
        ("gruss", "Gru\u00df@example.com", "gruss@example.com"),
        ("older", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("younger", "a@b\u00fccher.example", "a@b\u00fccher.example"),
        ("plain", "Ada@Example.com", "ada@example.com"),
    ]

    async def run(statement: str, *rows: tuple[str, ...]) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
        try:
            if rows:
                await connection.executemany(statement, rows)
                return []
            return await connection.fetch(statement)
        finally:
            await connection.close()

    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    config = Config(str(ROOT / "alembic.ini"))
    command.downgrade(config, "0020")
    insert = "INSERT INTO users (username, email, email_key, password_hash) VALUES ($1, $2, $3, '!')"
    asyncio.run(run(insert, *before))
    for _ in range(2):
        command.upgrade(config, "head")
        rows = asyncio.run(run("SELECT id, username, email_key FROM users ORDER BY id"))
        assert [(row["username"], row["email_key"]) for row in rows] == [
            ("gruss", "gru\u00df@example.com"),
            ("older", "a@xn--bcher-kva.example"),
            # Two accounts for what is one address now: the older one keeps it.
            ("younger", f"a@xn--bcher-kva.example {rows[2]['id']}"),
            ("plain", "ada@example.com"),
        ]
        command.downgrade(config, "0020")
        rows = asyncio.run(run("SELECT email_key FROM users ORDER BY id"))
        assert [row["email_key"] for row in rows] == [key for _, _, key in before]
