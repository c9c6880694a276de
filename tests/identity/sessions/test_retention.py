"""What expired is deleted after a while, some at a time; what still counts stays."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity import repository
from app.identity.jobs import KEEP_LOGIN_FAILURES, KEEP_SESSIONS, KEEP_TOKENS, purge_identity
from app.identity.models import AuthSession, LoginFailure, OneTimeToken, RefreshToken
from tests.conftest import Caller

MINUTE = timedelta(minutes=1)


def a_session(
    owner: Caller, name: str, expires_at: datetime, ended_at: datetime | None = None
) -> AuthSession:
    times = {"expires_at": expires_at, "ended_at": ended_at}
    return AuthSession(user_id=owner.id, scopes=[], factors=[], device=name, ip="", **times)


async def test_what_expired_long_ago_goes_and_what_counts_stays(
    seller: Caller, session: AsyncSession
) -> None:
    now = utc_now()
    ahead = now + timedelta(days=1)
    sessions = [
        a_session(seller, "under way", ahead),
        a_session(seller, "ended lately", ahead, now - KEEP_SESSIONS + MINUTE),
        a_session(seller, "ended long ago", ahead, now - KEEP_SESSIONS - MINUTE),
        a_session(seller, "expired long ago", now - KEEP_SESSIONS - MINUTE),
    ]
    session.add_all(sessions)
    await session.flush()
    for name, expires_at in {"late": now - KEEP_TOKENS + MINUTE, "old": now - KEEP_TOKENS - MINUTE}.items():
        token = name.encode()
        session.add(RefreshToken(session_id=sessions[0].id, token_hash=token, expires_at=expires_at))
        link = {"purpose": "verify_email", "token_hash": token, "email": name, "expires_at": expires_at}
        session.add(OneTimeToken(user_id=seller.id, **link))
    session.add(RefreshToken(session_id=sessions[3].id, token_hash=b"of a gone session", expires_at=ahead))
    for name, locked_until in {"over": None, "locked": ahead, "was locked": now - MINUTE}.items():
        failed_at = now - KEEP_LOGIN_FAILURES - MINUTE
        failure = {"account": name, "last_failed_at": failed_at, "locked_until": locked_until}
        session.add(LoginFailure(client="192.0.2.7", **failure))
    session.add(LoginFailure(account="over", client="192.0.2.8", last_failed_at=now))
    await session.flush()
    assert await purge_identity(session) == 6
    devices = set(await session.scalars(select(AuthSession.device)))
    assert devices == {"test", "under way", "ended lately"}
    assert list(await session.scalars(select(RefreshToken.token_hash))) == [b"late"]
    assert list(await session.scalars(select(OneTimeToken.email))) == ["late"]
    left = await session.execute(select(LoginFailure.account, LoginFailure.client))
    assert {tuple(row) for row in left} == {("locked", "192.0.2.7"), ("over", "192.0.2.8")}


async def test_no_run_deletes_more_than_a_statement_may(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "_BATCH", 2)
    failed_at = utc_now() - KEEP_LOGIN_FAILURES - MINUTE
    for number in range(3):
        session.add(LoginFailure(account=str(number), client="192.0.2.7", last_failed_at=failed_at))
    await session.flush()
    assert [await purge_identity(session) for _ in range(3)] == [2, 1, 0]
