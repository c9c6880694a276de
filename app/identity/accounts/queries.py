"""Reading accounts as their owners see them."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.queries import AnyRow, snapshot_text
from app.core.http.responses import ReadResult, version_etag
from app.identity.accounts.schemas import UserOut
from app.identity.models import User
from app.identity.tokens import invalid_token

_ACCOUNT = select(
    User.id,
    User.username,
    User.email,
    User.pending_email,
    User.full_name,
    User.first_name,
    User.last_name,
    User.phone,
    User.date_of_birth,
    User.newsletter,
    User.notifications,
    User.terms_accepted_at,
    User.role,
    User.is_active,
    User.is_verified,
    User.version,
    User.created_at,
    User.updated_at,
    snapshot_text,
)


async def get_account(connection: AsyncConnection, user_id: int) -> ReadResult:
    """The account as its owner sees it. Raises InvalidToken when it is gone."""
    row = await find_account(connection, user_id)
    if row is None:
        raise invalid_token("The account of this token is gone.")
    return show_account(row)


def show_account(row: AnyRow) -> ReadResult:
    """Show a row of `find_account` to the account's owner."""
    account = UserOut.model_validate(row)
    return ReadResult(model=account, snapshot=row.snapshot, etag=version_etag(account.version))


async def find_account(connection: AsyncConnection, user_id: int) -> AnyRow | None:
    """The account's public columns and the snapshot they were read in."""
    result = await connection.execute(_ACCOUNT.where(User.id == user_id))
    return result.one_or_none()


async def has_username(session: AsyncSession, username: str) -> bool:
    """Whether an account, open or closed, has this name."""
    return bool(await session.scalar(select(exists().where(User.username == username))))
