"""The scheduled jobs of identity."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.jobs import scheduled
from app.identity.repository import RetentionRepository

KEEP_TOKENS = timedelta(days=1)
KEEP_SESSIONS = timedelta(days=30)
KEEP_LOGIN_FAILURES = timedelta(days=1)


@scheduled("purge_identity", timedelta(hours=1))
async def purge_identity(session: AsyncSession) -> int:
    """Expired tokens go after a day, ended sessions after a month, old login failures after a day."""
    expired, now = RetentionRepository(session), utc_now()
    count = await expired.delete_one_time_tokens(now - KEEP_TOKENS)
    count += await expired.delete_refresh_tokens(now - KEEP_TOKENS)
    count += await expired.delete_sessions(now - KEEP_SESSIONS)
    return count + await expired.delete_login_failures(now - KEEP_LOGIN_FAILURES, now)
