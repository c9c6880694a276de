"""Passwords are hashed in a bounded thread pool (Argon2id; bcrypt is still read)."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from passlib.context import CryptContext

from app.identity.errors import HashingBusy

_THREADS = 2
_LONGEST_QUEUE = 32
_NICENESS = 19
_BCRYPT = "bcrypt"
_MOST_OF_BCRYPT = 72
# Of a password nobody has, with the parameters of every new hash: an unknown user costs the same work.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$SGktxVgLAYAwprRWCgEgJA$VLsWIr2R4o3RKwM+GVinuST5vpJHLJs237xbhJ12TV8"

T = TypeVar("T")
_context = CryptContext(schemes=["argon2", "bcrypt"], deprecated=["bcrypt"])
_waiting = 0


def _yield_to_requests() -> None:
    # Hashing may take all the time that is left, but not the event loop's. Linux: of this thread alone.
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


_pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="password", initializer=_yield_to_requests)


async def hash_password(password: str) -> str:
    """Hash with Argon2id. Raises HashingBusy when too many wait."""
    return await _in_pool(_context.hash, password)


async def verify_password(password: str, password_hash: str | None) -> tuple[bool, str | None]:
    """Whether it matches, and a new hash where the old one should be replaced.

    Without a hash, as for an unknown user, the work is the same and the answer is no.
    """
    return await _in_pool(_verify, password, password_hash or _NOBODY)


def _verify(password: str, password_hash: str) -> tuple[bool, str | None]:
    scheme = _context.identify(password_hash)
    if scheme is None:
        password_hash = _NOBODY
    if scheme == _BCRYPT:
        # bcrypt reads 72 bytes and no NUL: what made the hash cut the rest off, and so must we.
        secret = password.encode()[:_MOST_OF_BCRYPT]
        is_right = b"\0" not in secret and _context.verify(secret, password_hash)
        return is_right, _context.hash(password) if is_right else None
    is_right, new_hash = _context.verify_and_update(password, password_hash)
    return is_right, new_hash


async def _in_pool(function: Callable[..., T], *arguments: str) -> T:
    global _waiting  # noqa: PLW0603 (one counter beside the one pool)
    if _waiting >= _LONGEST_QUEUE:
        raise HashingBusy("Too many logins at once; try again in a moment.", headers={"Retry-After": "2"})
    _waiting += 1
    try:
        return await asyncio.get_running_loop().run_in_executor(_pool, function, *arguments)
    finally:
        _waiting -= 1
