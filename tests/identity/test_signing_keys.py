"""Ed25519 keys from a file: they rotate without a restart and without logging anybody out."""

import base64
import hashlib
import hmac
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI
from typer.testing import CliRunner

from app.cli.main import cli
from app.core.settings.settings import SettingsError
from app.identity.signing_keys import generate_key_file, read_key_file, rotate_key_file
from devstack import Servers
from tests.conftest import JWT_SECRET, Caller, client_of, make_account, running_app, settings_for
from tests.identity.sessions.calls import ME, bearer, refresh, status_of_me, tokens_of

JWKS = "/.well-known/jwks.json"


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    generate_key_file(path)
    return path


@pytest.fixture
async def signing_app(servers: Servers, empty_database_url: str, key_file: Path) -> AsyncIterator[FastAPI]:
    keys = {"secret": JWT_SECRET, "keys_file": key_file}
    async with running_app(settings_for(servers, empty_database_url, jwt=keys)) as application:
        yield application


@pytest.fixture
async def client(signing_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(signing_app) as http:
        yield http


@pytest.fixture
async def caller(signing_app: FastAPI) -> Caller:
    async with signing_app.state.database.sessions.begin() as arranging:
        return await make_account(signing_app, arranging)


async def test_anybody_can_check_a_token_with_the_published_key(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    token = (await tokens_of(client, caller.username))["access_token"]
    published = (await client.get(JWKS)).json()["keys"]
    assert [set(key) for key in published] == [{"kty", "crv", "x", "kid", "alg", "use"}]
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"], header["kid"]) == ("EdDSA", "at+jwt", published[0]["kid"])
    claims = jwt.decode(token, jwt.PyJWK(published[0]), ["EdDSA"], audience="bookstore-api")
    assert claims["sub"] == str(caller.id)


async def test_keys_rotate_without_restart_or_logout(
    client: httpx.AsyncClient, caller: Caller, key_file: Path
) -> None:
    old = await tokens_of(client, caller.username)
    rotate_key_file(key_file)
    new = await tokens_of(client, caller.username)
    kids = [jwt.get_unverified_header(tokens["access_token"])["kid"] for tokens in (old, new)]
    assert [key["kid"] for key in (await client.get(JWKS)).json()["keys"]] == kids[::-1]
    for tokens in (old, new):
        assert await status_of_me(client, tokens["access_token"]) == 200
    # The second rotation retires the first key: its access tokens end, its sessions go on.
    rotate_key_file(key_file)
    await tokens_of(client, caller.username)
    assert await status_of_me(client, old["access_token"]) == 401
    assert (
        await status_of_me(client, (await refresh(client, old["refresh_token"])).json()["access_token"])
        == 200
    )


async def test_a_token_of_a_worker_that_rotated_first_is_understood(
    servers: Servers, empty_database_url: str, client: httpx.AsyncClient, caller: Caller, key_file: Path
) -> None:
    rotate_key_file(key_file)
    keys = {"secret": JWT_SECRET, "keys_file": key_file}
    async with (
        running_app(settings_for(servers, empty_database_url, jwt=keys)) as other,
        client_of(other) as there,
    ):
        token = (await tokens_of(there, caller.username))["access_token"]
    assert await status_of_me(client, token) == 200


def forms_of(public: Ed25519PublicKey, published: dict[str, str]) -> list[bytes]:
    """The public key in every form that somebody might take for a secret."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return [
        public.public_bytes_raw(),
        public.public_bytes(serialization.Encoding.PEM, spki),
        public.public_bytes(serialization.Encoding.DER, spki),
        published["x"].encode(),
        json.dumps(published).encode(),
        b"",
    ]


def hs256(claims: dict[str, Any], header: dict[str, str], secret: bytes) -> str:
    """By hand, since the library refuses to sign with such secrets."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", **header}, claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"{signed.decode()}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


async def test_no_algorithm_but_the_keys_own_is_accepted(
    client: httpx.AsyncClient, caller: Caller, key_file: Path
) -> None:
    key = read_key_file(key_file)[0]
    published = (await client.get(JWKS)).json()["keys"][0]
    claims = jwt.decode(caller.headers["Authorization"][7:], options={"verify_signature": False})
    genuine = {"typ": "at+jwt", "kid": str(key.kid)}
    foreign = Path(f"{key_file}.foreign")
    generate_key_file(foreign)
    stranger: Any = read_key_file(foreign)[0].signing
    public: Any = key.verifying
    confused = [
        # HS256 with whatever an attacker knows of the key, or with our own other secret.
        *(hs256(claims, genuine, secret) for secret in forms_of(public, published)),
        jwt.encode(claims, JWT_SECRET, "HS256", headers=genuine),
        jwt.encode(claims, JWT_SECRET, "HS256", headers={"typ": "at+jwt"}),
        jwt.encode(claims, "", "none", headers=genuine),
        # Somebody's own key: by our id, by theirs, brought along, or said to lie at an address of theirs.
        jwt.encode(claims, stranger, "EdDSA", headers=genuine),
        jwt.encode(claims, stranger, "EdDSA", headers={"typ": "at+jwt", "kid": "theirs"}),
        jwt.encode(claims, stranger, "EdDSA", headers={"typ": "at+jwt"}),
        jwt.encode(claims, stranger, "EdDSA", headers={**genuine, "jwk": published}),
        jwt.encode(claims, stranger, "EdDSA", headers={**genuine, "jku": "https://evil.example/keys"}),
        jwt.encode(claims, stranger, "EdDSA", headers={**genuine, "x5u": "https://evil.example/chain"}),
        jwt.encode(claims, stranger, "EdDSA", headers={"typ": "at+jwt", "kid": f"../{foreign.name}"}),
    ]
    for token in confused:
        answer = await client.get(ME, headers=bearer(token))
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")
    good: Any = key.signing
    assert await status_of_me(client, jwt.encode(claims, good, "EdDSA", headers=genuine)) == 200


def test_the_commands_write_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    path, runner = tmp_path / "keys.json", CliRunner()
    first = runner.invoke(cli, ["keys", "generate", str(path)])
    assert first.exit_code == 0
    assert f"JWT_KEYS_FILE={path}" in first.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = runner.invoke(cli, ["keys", "generate", str(path)])
    assert (again.exit_code, "exists already" in again.output) == (1, True)
    [kid] = [key.kid for key in read_key_file(path)]
    for _ in range(2):
        assert runner.invoke(cli, ["keys", "rotate", str(path)]).exit_code == 0
    kids = [key.kid for key in read_key_file(path)]
    assert len(kids) == 2
    assert kid not in kids
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["keys.json"]  # noqa: PTH208 - the names are what matters


def test_what_is_no_key_file_is_told_plainly(tmp_path: Path) -> None:
    path, runner = tmp_path / "keys.json", CliRunner()
    missing = runner.invoke(cli, ["keys", "rotate", str(path)])
    assert (missing.exit_code, "cannot replace" in missing.output) == (1, True)
    for text in ("", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AA", "kid": "x"}]}'):
        path.write_text(text)
        assert runner.invoke(cli, ["keys", "rotate", str(path)]).exit_code == 1
        with pytest.raises(SettingsError, match="JWT_KEYS_FILE"):
            read_key_file(path)
