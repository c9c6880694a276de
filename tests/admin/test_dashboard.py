"""The figures of the dashboard."""

from datetime import timedelta

import httpx
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.clock import utc_now
from app.identity.models import User
from app.identity.permissions import Role
from tests.conftest import SignUp

from .books_of_account import a_sale

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
    [euros] = figures.pop("sales")
    assert (euros["currency"], euros["today"]["orders"], euros["last_30_days"]["orders"]) == ("EUR", 0, 0)
    assert figures == {
        "total_users": 4,
        "active_users": 3,
        "inactive_users": 1,
        "users_by_role": {"user": 2, "moderator": 1, "admin": 1, "super_admin": 0},
    }
    expected = [(today - timedelta(days=age)).date().isoformat() for age in range(29, -1, -1)]
    assert [day["date"] for day in days] == expected
    assert [day["count"] for day in days] == [1, *[0] * 28, 2]


async def test_the_dashboard_shows_the_sales_of_today_and_of_thirty_days(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    for at, price in ((today, 1), (today - timedelta(microseconds=1), 2), (today - timedelta(days=29), 4)):
        await a_sale(session, at, (1, 1, price))
    await a_sale(session, today - timedelta(days=29, microseconds=1), (1, 1, 8))
    await a_sale(session, today, (1, 1, 16), currency="CHF")

    sales = (await client.get(DASHBOARD, headers=admin.headers)).json()["sales"]

    sums = [(one["currency"], one["today"]["total"], one["last_30_days"]["total"]) for one in sales]
    assert sums == [("EUR", 1, 7), ("CHF", 16, 16)]


async def test_the_dashboard_costs_four_statements(
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
    assert len(statements) == 4


async def test_only_administrators_see_the_figures(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    assert (await client.get(DASHBOARD)).status_code == 401
    for role, status in ((Role.USER, 403), (Role.MODERATOR, 403), (Role.SUPER_ADMIN, 200)):
        caller = await sign_up(role)
        assert (await client.get(DASHBOARD, headers=caller.headers)).status_code == status
