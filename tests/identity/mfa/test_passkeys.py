"""Passkeys: registering, listing, naming and removing them, with an authenticator in software."""

import asyncio
from datetime import timedelta
from typing import Any

import cbor2
import httpx
import pytest
import time_machine
from dirty_equals import IsInt, IsStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from tests.conftest import Caller, SignUp

from .authenticator import PRESENT, VERIFIED, Authenticator, b64, unb64
from .conftest import MFA, PASSKEYS, PASSWORD_BODY, Told, creation_options, register, registered

VERIFY = f"{PASSKEYS}/register/verify"


async def test_the_options_ask_for_a_discoverable_passkey_that_verifies_its_user(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    options = await creation_options(client, seller)
    assert options["rp"] == {"name": "Bookstore", "id": "localhost"}
    assert options["user"] == {
        "id": b64(seller.id.to_bytes(8, "big")),
        "name": seller.username,
        "displayName": seller.username,
    }
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["attestation"] == "none"
    assert options["excludeCredentials"] == []
    assert len(unb64(options["challenge"])) >= 16


async def test_options_need_a_login_and_the_password(client: httpx.AsyncClient, seller: Caller) -> None:
    path = f"{PASSKEYS}/register/options"
    assert (await client.post(path, json=PASSWORD_BODY)).status_code == 401
    wrong = await client.post(path, json={"password": "Wrong-horse-1!"}, headers=seller.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-password")


async def test_a_registered_passkey_is_listed_excluded_named_and_removed(
    client: httpx.AsyncClient, seller: Caller, told: Told, audited: Told
) -> None:
    device = Authenticator()
    made = await register(client, seller, device, name="Phone")
    assert made.status_code == 201
    shown = {
        "id": IsInt,
        "name": "Phone",
        "transports": ["hybrid", "internal"],
        "created_at": IsStr,
        "last_used_at": None,
    }
    assert made.json() == shown
    listed = await client.get(PASSKEYS, headers=seller.headers)
    assert listed.json() == {"items": [shown], "total": 1}
    assert listed.headers["cache-control"] == "private, no-store"
    excluded = (await creation_options(client, seller))["excludeCredentials"]
    assert [each["id"] for each in excluded] == [b64(device.credential_id)]
    state = (await client.get(MFA, headers=seller.headers)).json()
    assert (state["passkeys"], state["is_satisfied"]) == (1, True)
    path = f"{PASSKEYS}/{made.json()['id']}"
    renamed = await client.patch(path, json={"name": "Old phone"}, headers=seller.headers)
    assert renamed.json()["name"] == "Old phone"
    assert (await client.delete(path, headers=seller.headers)).status_code == 204
    assert (await client.get(PASSKEYS, headers=seller.headers)).json()["total"] == 0
    assert (await client.delete(path, headers=seller.headers)).status_code == 404
    assert await told(seller.id) == ["passkey_added", "passkey_removed"]
    assert await audited(seller.id) == ["mfa.passkey_added", "mfa.passkey_removed"]


async def test_somebody_elses_passkey_is_not_found(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    made = await register(client, await sign_up(), Authenticator())
    path = f"{PASSKEYS}/{made.json()['id']}"
    for refused in (
        await client.patch(path, json={"name": "Mine"}, headers=seller.headers),
        await client.delete(path, headers=seller.headers),
    ):
        assert (refused.status_code, refused.json()["code"]) == (404, "passkey-not-found")
    assert (await client.get(PASSKEYS, headers=seller.headers)).json() == {"items": [], "total": 0}


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a\nb", "\0", None])
async def test_names_that_cannot_be_read_are_refused(
    client: httpx.AsyncClient, seller: Caller, name: object
) -> None:
    device = await registered(client, seller)
    body = {"name": name}
    refused = await client.patch(f"{PASSKEYS}/{device.passkey_id}", json=body, headers=seller.headers)
    assert refused.status_code == 422


async def test_a_challenge_makes_one_passkey(client: httpx.AsyncClient, seller: Caller) -> None:
    options = await creation_options(client, seller)
    first = {"credential": Authenticator().create(options)}
    assert (await client.post(VERIFY, json=first, headers=seller.headers)).status_code == 201
    for body in (first, {"credential": Authenticator().create(options)}):
        again = await client.post(VERIFY, json=body, headers=seller.headers)
        assert (again.status_code, again.json()["code"]) == (400, "passkey-not-accepted")


async def test_a_challenge_lasts_five_minutes_and_belongs_to_its_session(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    answer = {"credential": Authenticator().create(await creation_options(client, seller))}
    other = await sign_up()
    assert (await client.post(VERIFY, json=answer, headers=other.headers)).status_code == 400
    with time_machine.travel(utc_now() + timedelta(seconds=301), tick=True):
        assert (await client.post(VERIFY, json=answer, headers=seller.headers)).status_code == 400
    assert (await client.post(VERIFY, json=answer, headers=seller.headers)).status_code == 201


async def test_a_passkey_is_registered_once_whoever_tries(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    device = await registered(client, seller)
    again = await register(client, await sign_up(), device)
    assert (again.status_code, again.json()["code"]) == (409, "passkey-registered")


@pytest.mark.parametrize(
    "bent",
    [
        {"origin": "https://phishing.example"},
        {"origin": "http://localhost:8001"},
        {"rp_id": "phishing.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
    ],
    ids=lambda bent: "-".join(map(str, bent.values())),
)
async def test_authenticators_of_another_site_or_without_a_verified_user_are_refused(
    client: httpx.AsyncClient, seller: Caller, bent: dict[str, Any]
) -> None:
    refused = await register(client, seller, Authenticator(**bent))
    assert (refused.status_code, refused.json()["code"]) == (400, "passkey-not-accepted")
    assert (await client.get(PASSKEYS, headers=seller.headers)).json()["total"] == 0


def nonsense(credential: dict[str, Any]) -> list[dict[str, Any]]:
    response = credential["response"]
    attestations = [b"", b"\xff", b"\x81" * 5000, cbor2.dumps({"fmt": 1}), cbor2.dumps([1])]
    return [
        {},
        {"response": None},
        {"response": {"clientDataJSON": 5}},
        {**credential, "id": "x", "rawId": "y"},
        {**credential, "type": "password"},
        {**credential, "response": {**response, "clientDataJSON": "é"}},
        {**credential, "response": {**response, "clientDataJSON": b64(b"[1]")}},
        {**credential, "response": {**response, "clientDataJSON": b64(b'{"challenge":"\xff"}')}},
        *({**credential, "response": {**response, "attestationObject": b64(raw)}} for raw in attestations),
    ]


async def test_whatever_is_sent_in_place_of_an_answer_is_refused_and_breaks_nothing(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    answer = Authenticator().create(await creation_options(client, seller))
    for credential in nonsense(answer):
        refused = await client.post(VERIFY, json={"credential": credential}, headers=seller.headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "passkey-not-accepted"), credential
    for body in ({}, {"credential": 5}, {"credential": answer, "user_id": 1}):
        assert (await client.post(VERIFY, json=body, headers=seller.headers)).status_code == 422
    good = await client.post(VERIFY, json={"credential": answer}, headers=seller.headers)
    assert good.status_code == 201


async def test_an_account_has_at_most_twenty(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    waiting = await creation_options(client, seller)
    await session.execute(
        text(
            "INSERT INTO passkeys (user_id, name, credential_id, public_key)"
            " SELECT :id, 'Key', ('key' || number)::bytea, '' FROM generate_series(1, 20) number"
        ),
        {"id": seller.id},
    )
    await session.commit()
    full = await client.post(f"{PASSKEYS}/register/options", json=PASSWORD_BODY, headers=seller.headers)
    assert (full.status_code, full.json()["code"]) == (409, "too-many-passkeys")
    body = {"credential": Authenticator().create(waiting)}
    assert (await client.post(VERIFY, json=body, headers=seller.headers)).status_code == 409


async def test_of_one_answer_sent_many_times_at_once_one_registers(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    caller = await live_sign_up()
    body = {"credential": Authenticator().create(await creation_options(live_client, caller))}
    answers = await asyncio.gather(
        *(live_client.post(VERIFY, json=body, headers=caller.headers) for _ in range(6))
    )
    assert sorted(each.status_code for each in answers) == [201] + [400] * 5
