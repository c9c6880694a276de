"""Accounts with a second factor."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from tests.conftest import PASSWORD, Audit, Caller, SignUp, events_of

from .authenticator import Authenticator

TOKEN = "/api/v1/auth/token"
MFA = "/api/v1/auth/mfa"
TOTP = f"{MFA}/totp"
PASSKEYS = "/api/v1/auth/passkeys"
PASSWORD_BODY = {"password": PASSWORD}


@dataclass(frozen=True)
class Enrolled:
    """An account with an authenticator app, and what its owner holds."""

    caller: Caller
    secret: str
    recovery_codes: list[str]

    def code(self, offset: int = 0) -> str:
        """What the app shows now, or so many steps later."""
        return pyotp.TOTP(self.secret).at(utc_now(), counter_offset=offset)

    def wrong_code(self) -> str:
        """A code of none of the steps that could count."""
        near = {self.code(offset) for offset in range(-3, 4)}
        return next(code for code in map("{:06}".format, range(10)) if code not in near)


Told = Callable[[int], Awaitable[list[str]]]


async def enrol(client: httpx.AsyncClient, caller: Caller) -> Enrolled:
    begun = await client.post(TOTP, json=PASSWORD_BODY, headers=caller.headers)
    assert begun.status_code == 201, begun.text
    secret = begun.json()["secret"]
    # Where its step ends just now, a code is two steps old when it arrives: the next one is not.
    for _ in range(2):
        code = pyotp.TOTP(secret).at(utc_now(), counter_offset=-1)
        confirmed = await client.post(f"{TOTP}/confirm", json={"code": code}, headers=caller.headers)
        if confirmed.status_code == 200:
            break
    assert confirmed.status_code == 200, confirmed.text
    return Enrolled(caller, secret, confirmed.json()["recovery_codes"])


async def log_in(client: httpx.AsyncClient, caller: Caller, **form: str) -> httpx.Response:
    return await client.post(TOKEN, data={"username": caller.username, "password": PASSWORD, **form})


async def ask_token(client: httpx.AsyncClient, caller: Caller, **form: str) -> str:
    refused = await log_in(client, caller, **form)
    assert refused.status_code == 401, refused.text
    assert refused.json()["code"] == "mfa-required"
    return str(refused.json()["mfa_token"])


async def answer(client: httpx.AsyncClient, token: str, **proof: str) -> httpx.Response:
    return await client.post(MFA, json={"mfa_token": token, **proof})


async def creation_options(client: httpx.AsyncClient, caller: Caller) -> dict[str, Any]:
    path = f"{PASSKEYS}/register/options"
    begun = await client.post(path, json=PASSWORD_BODY, headers=caller.headers)
    assert begun.status_code == 200, begun.text
    options: dict[str, Any] = begun.json()["public_key"]
    return options


async def login_options(client: httpx.AsyncClient) -> dict[str, Any]:
    begun = await client.post(f"{PASSKEYS}/login/options")
    assert begun.status_code == 200, begun.text
    options: dict[str, Any] = begun.json()["public_key"]
    return options


async def register(
    client: httpx.AsyncClient, caller: Caller, device: Authenticator, name: str = "Key"
) -> httpx.Response:
    credential = device.create(await creation_options(client, caller))
    body = {"name": name, "credential": credential}
    return await client.post(f"{PASSKEYS}/register/verify", json=body, headers=caller.headers)


async def registered(client: httpx.AsyncClient, caller: Caller) -> Authenticator:
    device = Authenticator()
    made = await register(client, caller, device)
    assert made.status_code == 201, made.text
    device.passkey_id = made.json()["id"]
    return device


@pytest.fixture
async def enrolled(client: httpx.AsyncClient, sign_up: SignUp) -> Enrolled:
    return await enrol(client, await sign_up())


@pytest.fixture
def told(session: AsyncSession) -> Told:
    """What the owner was told by mail about second factors, in order."""

    async def read(user_id: int) -> list[str]:
        changes = await events_of(session, "user.second_factor_changed")
        return [change["what"] for change in changes if change["user_id"] == user_id]

    return read


@pytest.fixture
def audited(audit: Audit) -> Told:
    """The audit entries about the account's second factor, in order."""

    async def read(user_id: int) -> list[str]:
        actions = [entry["action"] for entry in await audit(target="user", target_id=user_id)]
        return [action for action in actions if action.startswith("mfa.")]

    return read


@pytest.fixture
def opened_with(audit: Audit) -> Told:
    """The factors that opened the account's newest session."""

    async def read(user_id: int) -> list[str]:
        entry = (await audit(action="session.opened", actor_id=user_id))[-1]
        factors: str = entry["changes"]["factors"][1]
        return factors.split()

    return read
