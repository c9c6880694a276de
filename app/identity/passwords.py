"""Passwords: what is strong enough, and hashing in a bounded thread pool (Argon2id; bcrypt is still read)."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from passlib.context import CryptContext

from app.identity.errors import HashingBusy

SHORTEST = 8
LONGEST = 128
_THREADS = 2
_LONGEST_QUEUE = 32

T = TypeVar("T")
_context = CryptContext(schemes=["argon2", "bcrypt"], deprecated=["bcrypt"])
_pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="password")
_waiting = 0


def weakness(password: str, username: str) -> str | None:
    """Why the password is too weak, or None. Lengths in characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"must have {SHORTEST} to {LONGEST} characters"
    wanted = {
        "an upper-case letter": any(character.isupper() for character in password),
        "a lower-case letter": any(character.islower() for character in password),
        "a digit": any(character.isdigit() for character in password),
        "a special character": any(not character.isalnum() for character in password),
    }
    missing = [what for what, is_there in wanted.items() if not is_there]
    if missing:
        return f"needs {', '.join(missing)}"
    if username and username.lower() in password.lower():
        return "must not contain the user name"
    return None


async def hash_password(password: str) -> str:
    """The Argon2id hash. HashingBusy when too many wait."""
    return await _in_pool(_context.hash, password)


async def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Whether it matches, and a new hash where the old one should be replaced.

    Without a hash, as for an unknown user, the work is the same and the answer is no.
    """
    if password_hash is None:
        await _in_pool(_verify_nobody, password)
        return False, None
    return await _in_pool(_context.verify_and_update, password, password_hash)


@cache
def _dummy_hash() -> str:
    return str(_context.hash("nobody has this password"))


def _verify_nobody(password: str) -> bool:
    return bool(_context.verify(password, _dummy_hash()))


async def _in_pool(function: Callable[..., T], *arguments: str) -> T:
    global _waiting  # noqa: PLW0603 (one counter beside the one pool)
    if _waiting >= _LONGEST_QUEUE:
        raise HashingBusy("Too many logins at once; try again in a moment.", headers={"Retry-After": "2"})
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, function, *arguments)
    finally:
        _waiting -= 1
