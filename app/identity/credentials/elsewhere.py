"""What other domains keep of an account that ends with its credentials, in the same transaction."""

from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.credentials.table import Credential

Ender = Callable[[AsyncSession, int], Awaitable[Sequence[object]]]
"""Gets the account's id, ends all that it has of the kind, and tells what that was, by id."""

_enders: dict[Credential, Ender] = {}


def ends(credential: Credential) -> Callable[[Ender], Ender]:
    """Register the one function that ends this kind."""

    def register(ender: Ender) -> Ender:
        _enders[credential] = ender
        return ender

    return register


async def end_elsewhere(session: AsyncSession, user_id: int, credential: Credential) -> Sequence[object]:
    """End all of the kind, which another domain keeps; what that was, by id."""
    return await _enders[credential](session, user_id)
