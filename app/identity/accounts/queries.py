"""Reading accounts as their owners see them."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.queries import AnyRow, snapshot_text
from app.core.http.responses import ReadResult, version_etag
from app.identity.accounts.schemas import UserOut
from app.identity.models import User
from app.identity.permissions import Permission
from app.identity.principal import Principal
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
    User.gender,
    User.language,
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


PERSONAL_FIELDS = (
    "email",
    "pending_email",
    "full_name",
    "first_name",
    "last_name",
    "phone",
    "date_of_birth",
    "gender",
)
"""What only credentials with `profile:read` show."""


async def get_account(connection: AsyncConnection, caller: Principal) -> ReadResult:
    """The account as its owner sees it by these credentials. Raises InvalidToken when it is gone."""
    row = await find_account(connection, caller.user_id)
    if row is None:
        raise invalid_token("The account of this token is gone.")
    return show_account(row, with_person=caller.may(Permission.PROFILE_READ))


def show_account(row: AnyRow, *, with_person: bool) -> ReadResult:
    """Show a row of `find_account` to the account's owner, who is named in it only `with_person`."""
    account = UserOut.model_validate(row)
    if with_person:
        return ReadResult(account, row.snapshot, version_etag(account.version))
    nameless = account.model_copy(update=dict.fromkeys(PERSONAL_FIELDS))
    # Two answers of one version have two tags; `If-Match` compares the version alone.
    return ReadResult(nameless, row.snapshot, version_etag(account.version, 0))


async def find_account(connection: AsyncConnection, user_id: int) -> AnyRow | None:
    """The account's public columns and the snapshot they were read in."""
    result = await connection.execute(_ACCOUNT.where(User.id == user_id))
    return result.one_or_none()


async def has_username(session: AsyncSession, username: str) -> bool:
    """Whether an account, open or closed, has this name."""
    return bool(await session.scalar(select(exists().where(User.username == username))))
