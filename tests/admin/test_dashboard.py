"""The figures of the dashboard."""

from datetime import timedelta

import httpx
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.clock import utc_now
from app.identity.models import User
from app.identity.permissions import Role
from tests.conftest import SignUp

DASHBOARD = "/api/v1/admin/dashboard"


async def test_the_dashboard_counts_accounts_by_state_role_and_day(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    closed, early = await sign_up(), await sign_up(Role.MODERATOR)
    old = await sign_up()
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    (await session.get_one(User, closed.id)).is_active = False
    (await session.get_one(User, early.id)).created_at = today - timedelta(days=29)
    (await session.get_one(User, old.id)).created_at = today - timedelta(days=29, microseconds=1)
    await session.commit()
    answer = await client.get(DASHBOARD, headers=admin.headers)
    assert answer.headers["cache-control"] == "private, no-store"
    figures = answer.json()
    days = figures.pop("sign_ups_per_day")
    assert figures == {
        "total_users": 4,
        "active_users": 3,
        "inactive_users": 1,
        "users_by_role": {"user": 2, "moderator": 1, "admin": 1, "super_admin": 0},
    }
    expected = [(today - timedelta(days=age)).date().isoformat() for age in range(29, -1, -1)]
    assert [day["date"] for day in days] == expected
    assert [day["count"] for day in days] == [1, *[0] * 28, 2]


async def test_the_dashboard_costs_two_statements(
    client: httpx.AsyncClient, connection: AsyncConnection, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    await client.get("/api/v1/users/me", headers=admin.headers)
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(connection.sync_connection, "before_cursor_execute", count)
    await client.get(DASHBOARD, headers=admin.headers)
    event.remove(connection.sync_connection, "before_cursor_execute", count)
    assert len(statements) == 2


async def test_only_administrators_see_the_figures(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    assert (await client.get(DASHBOARD)).status_code == 401
    for role, status in ((Role.USER, 403), (Role.MODERATOR, 403), (Role.SUPER_ADMIN, 200)):
        caller = await sign_up(role)
        assert (await client.get(DASHBOARD, headers=caller.headers)).status_code == status
