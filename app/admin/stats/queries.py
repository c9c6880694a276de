"""The shop's figures."""

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Date, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.stats.schemas import DailyCount, Dashboard
from app.core.clock import utc_now
from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.identity.models import User
from app.identity.permissions import Role

DAYS = 30


async def get_dashboard(connection: AsyncConnection) -> ReadResult:
    """The accounts at a glance, by two statements."""
    today = utc_now().date()
    days = [today - timedelta(days=age) for age in reversed(range(DAYS))]
    kind = (User.role, User.is_active)
    counted = select(*kind, func.count().label("users"), snapshot_text).group_by(*kind)
    by_kind = (await connection.execute(counted)).all()
    day = cast(func.timezone("UTC", User.created_at), Date).label("day")
    since = datetime.combine(days[0], time.min, UTC)
    signed_up = select(day, func.count().label("users")).where(User.created_at >= since).group_by(day)
    by_day = {row.day: row.users for row in await connection.execute(signed_up)}
    active = sum(row.users for row in by_kind if row.is_active)
    total = sum(row.users for row in by_kind)
    figures = Dashboard(
        total_users=total,
        active_users=active,
        inactive_users=total - active,
        users_by_role={role: sum(row.users for row in by_kind if row.role == role) for role in Role},
        sign_ups_per_day=[DailyCount(date=day, count=by_day.get(day, 0)) for day in days],
    )
    # The caller has an account, so that there is a row.
    return ReadResult(figures, by_kind[0].snapshot)
