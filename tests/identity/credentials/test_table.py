"""Every event times every credential: each row of the documented table is played over HTTP."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.models import Base
from app.identity import models
from app.identity.credentials.table import ENDS, AccountEvent, Credential
from app.identity.models import ApiKey, AuthSession, OneTimeToken, Passkey, RecoveryCode, TotpSecret, User
from app.identity.permissions import Role
from app.identity.verification.service import TokenPurpose, VerificationService
from app.messaging.push_subscriptions.models import BrowserSubscription
from app.messaging.webhooks.models import WebhookEndpoint
from tests.conftest import PASSWORD, Caller, SignUp
from tests.identity.mfa.conftest import (
    TOTP,
    Enrolled,
    answer,
    ask_token,
    enrol,
    registered,
)

ME = "/api/v1/users/me"
AUTH = "/api/v1/auth"
NEW_PASSWORD = "Another-horse-2!"
NEW_EMAIL = "next@example.com"
DOCUMENTED = Path(__file__).parents[3] / "docs" / "credentials.md"

KEPT_IN: dict[Credential, type[Base]] = {
    Credential.SESSION: AuthSession,
    Credential.API_KEY: ApiKey,
    Credential.PASSKEY: Passkey,
    Credential.TOTP: TotpSecret,
    Credential.RECOVERY_CODE: RecoveryCode,
    Credential.MAILED_LINK: OneTimeToken,
    Credential.PENDING_EMAIL: User,
    Credential.WEBHOOK: WebhookEndpoint,
    Credential.PUSH_SUBSCRIPTION: BrowserSubscription,
}

Mail = Callable[[TokenPurpose, str], Awaitable[str]]


def documented() -> dict[str, dict[str, str]]:
    """Event → credential → what the documentation says happens to it."""
    lines = re.findall(r"^\| (?!-)(.+) \|$", DOCUMENTED.read_text(), re.MULTILINE)
    header, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    return {event: dict(zip(header[1:], cells, strict=True)) for event, *cells in rows}


def test_every_table_that_belongs_to_an_account_is_a_credential() -> None:
    # A new one needs a column in the table, or nobody decides when it ends.
    owned = {
        mapper.class_
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(models.__name__)
        and any(key.column.table is User.__table__ for key in mapper.local_table.foreign_keys)
    }
    assert owned == {kept for kept in KEPT_IN.values() if kept.__module__.startswith(models.__name__)} - {
        User
    }
    assert KEPT_IN.keys() == set(Credential)


def test_the_documentation_says_what_the_code_does() -> None:
    table = documented()
    assert table.keys() == {event.value for event in AccountEvent}
    for event, cells in table.items():
        ending = {Credential(name) for name, says in cells.items() if says != "stay"}
        assert ending == ENDS[AccountEvent(event)], event
        assert {name for name, says in cells.items() if says == "others end"} <= {Credential.SESSION}


class Planted:
    """An account that has everything, and somebody who may act on it."""

    def __init__(
        self, client: httpx.AsyncClient, session: AsyncSession, owner: Enrolled, admin: Caller
    ) -> None:
        self.client = client
        self.session = session
        self.owner = owner
        self.admin = admin

    @property
    def id(self) -> int:
        return self.owner.caller.id

    @property
    def address(self) -> str:
        return f"{self.owner.caller.username}@example.com"

    async def mail(self, purpose: TokenPurpose, email: str) -> str:
        return await VerificationService.build(self.session).issue(self.id, purpose, email)

    async def post(self, path: str, body: object = None, caller: Caller | None = None) -> None:
        headers = caller.headers if caller else {}
        sent = await self.client.post(path, json=body, headers=headers)
        assert sent.status_code < 300, sent.text

    async def in_force(self) -> dict[Credential, int]:
        """How many of each kind there are."""
        counts = {}
        for credential, model in KEPT_IN.items():
            owner = model.id if model is User else model.user_id  # type: ignore[attr-defined]  # every one has it
            statement = select(func.count()).select_from(model).where(owner == self.id)
            for column in ("ended_at", "revoked_at", "used_at", "disabled_at"):
                if hasattr(model, column):
                    statement = statement.where(getattr(model, column).is_(None))
            if model is User:
                statement = statement.where(User.pending_email.is_not(None))
            counts[credential] = await self.session.scalar(statement) or 0
        return counts


async def reset(planted: Planted) -> None:
    token = await planted.mail(TokenPurpose.RESET_PASSWORD, planted.address)
    await planted.post(f"{AUTH}/password-reset/confirm", {"token": token, "new_password": NEW_PASSWORD})


async def reset_verified(planted: Planted) -> None:
    await planted.session.execute(update(User).where(User.id == planted.id).values(is_verified=True))
    await reset(planted)


async def prove(planted: Planted) -> None:
    token = await planted.mail(TokenPurpose.VERIFY_EMAIL, planted.address)
    await planted.post(f"{AUTH}/verify-email", {"token": token})


async def change_password(planted: Planted) -> None:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    await planted.post(f"{AUTH}/change-password", body, planted.owner.caller)


async def enable_factor(planted: Planted) -> None:
    await planted.post(f"{TOTP}/disable", None, planted.owner.caller)
    await enrol(planted.client, planted.owner.caller)


async def disable_factor(planted: Planted) -> None:
    await planted.post(f"{TOTP}/disable", None, planted.owner.caller)


async def lose_factor(planted: Planted) -> None:
    path = f"/api/v1/admin/users/{planted.id}/second-factor"
    removed = await planted.client.delete(path, headers=planted.admin.headers)
    assert removed.status_code == 204, removed.text


async def log_out_everywhere(planted: Planted) -> None:
    await planted.post(f"{AUTH}/logout-all", None, planted.owner.caller)


async def end_by_staff(planted: Planted) -> None:
    await planted.post(f"/api/v1/admin/users/{planted.id}/end-sessions", None, planted.admin)


async def change_role(planted: Planted) -> None:
    path = f"/api/v1/admin/users/{planted.id}/role"
    changed = await planted.client.put(path, json={"role": "moderator"}, headers=planted.admin.headers)
    assert changed.status_code == 200, changed.text


async def change_email(planted: Planted) -> None:
    token = await planted.mail(TokenPurpose.CHANGE_EMAIL, NEW_EMAIL)
    await planted.session.execute(update(User).where(User.id == planted.id).values(is_verified=True))
    await planted.post(f"{AUTH}/verify-email", {"token": token})


async def stop_email_change(planted: Planted) -> None:
    token = await planted.mail(TokenPurpose.STOP_EMAIL_CHANGE, planted.address)
    await planted.post(f"{AUTH}/email-change/stop", {"token": token})


async def close(planted: Planted) -> None:
    closed = await planted.client.delete(ME, headers=planted.owner.caller.headers)
    assert closed.status_code == 204, closed.text


HAPPENS: dict[AccountEvent, Callable[[Planted], Awaitable[None]]] = {
    AccountEvent.PASSWORD_RESET: reset_verified,
    AccountEvent.ADDRESS_PROVEN_BY_RESET: reset,
    AccountEvent.ADDRESS_PROVEN: prove,
    AccountEvent.PASSWORD_CHANGED: change_password,
    AccountEvent.SECOND_FACTOR_ENABLED: enable_factor,
    AccountEvent.SECOND_FACTOR_DISABLED: disable_factor,
    AccountEvent.SECOND_FACTOR_REMOVED: lose_factor,
    AccountEvent.LOGOUT_ALL: log_out_everywhere,
    AccountEvent.ENDED_BY_STAFF: end_by_staff,
    AccountEvent.ROLE_CHANGED: change_role,
    AccountEvent.EMAIL_CHANGED: change_email,
    AccountEvent.EMAIL_CHANGE_STOPPED: stop_email_change,
    AccountEvent.DEACTIVATED: close,
}


@pytest.fixture
async def planted(client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp) -> Planted:
    owner = await enrol(client, await sign_up())
    everything = Planted(client, session, owner, await sign_up(Role.ADMIN))
    await registered(client, owner.caller)
    await everything.post("/api/v1/api-keys", {"name": "shelf", "scopes": ["items:write"]}, owner.caller)
    webhook = {"url": "https://thief.example.com/hear", "events": ["*"]}
    await everything.post("/api/v1/webhooks", webhook, owner.caller)
    browser = {"endpoint": "https://push.example.com/1", "p256dh": "key", "sealed_auth": "sealed"}
    session.add(BrowserSubscription(user_id=owner.caller.id, **browser))
    token = await ask_token(client, owner.caller)
    assert (await answer(client, token, code=owner.code())).status_code == 200
    patched = await client.patch(ME, json={"email": NEW_EMAIL}, headers=owner.caller.headers)
    assert patched.status_code == 200, patched.text
    await everything.mail(TokenPurpose.VERIFY_EMAIL, everything.address)
    before = await everything.in_force()
    assert all(before.values())
    assert before[Credential.SESSION] == 2
    return everything


@pytest.mark.parametrize("event", AccountEvent)
async def test_an_event_ends_what_the_table_says_and_nothing_else(
    event: AccountEvent, planted: Planted
) -> None:
    await HAPPENS[event](planted)
    after = await planted.in_force()
    says = documented()[event.value]
    left = {credential: count > 0 for credential, count in after.items()}
    assert left == {credential: says[credential.value] != "end" for credential in Credential}
    assert after[Credential.SESSION] == {"end": 0, "others end": 1, "stay": 2}[says[Credential.SESSION.value]]


async def test_what_ended_does_not_work_any_more_and_is_told(
    planted: Planted, client: httpx.AsyncClient
) -> None:
    made = await client.post(
        "/api/v1/api-keys",
        json={"name": "till", "scopes": ["items:write"]},
        headers=planted.owner.caller.headers,
    )
    key = {"X-API-Key": made.json()["api_key"]}
    assert (await client.get(ME, headers=key)).status_code == 200
    await reset(planted)
    assert (await client.get(ME, headers=key)).json()["code"] == "invalid-api-key"
    assert (await client.get(ME, headers=planted.owner.caller.headers)).status_code == 401
    # The squatter's app is gone: the owner of the address gets in by the new password alone.
    form = {"username": planted.address, "password": NEW_PASSWORD}
    assert (await client.post(f"{AUTH}/token", data=form)).status_code == 200
