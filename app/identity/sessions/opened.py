"""What other domains do when somebody has logged in or registered, in the same transaction."""

from collections.abc import Awaitable, Callable

from sqlalchemy.ext.asyncio import AsyncSession

Listener = Callable[[AsyncSession, int], Awaitable[None]]
"""Gets the account's id. What it raises undoes the login, so it raises nothing that a person could cause."""

_listeners: list[Listener] = []


def on_opened(listener: Listener) -> Listener:
    """Register it."""
    _listeners.append(listener)
    return listener


async def tell_listeners(session: AsyncSession, user_id: int) -> None:
    """Run them, one after the other."""
    for listener in _listeners:
        await listener(session, user_id)
