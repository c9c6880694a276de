"""Idempotency keys: who has the claim on one, and the answer once there is one.

The key's row is the claim: whoever inserts it first goes on, in one statement that commits itself. The answer
is stored by the transaction that made what it tells of, so that neither is ever there without the other; when
the claim was lost meanwhile, that transaction has to give way. A request that dies leaves its claim behind,
which the next one takes over after `LEASE`.
"""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import LargeBinary, Uuid, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.db.batches import delete_some
from app.core.db.driver import Connection, fetch
from app.core.db.models import Base
from app.core.events.jobs import scheduled

KEPT: Final = timedelta(hours=24)
LEASE: Final = timedelta(seconds=20)
"""How long a request may run before the next with its key takes over; it then finds its claim gone and gives way."""

_NONCE_BYTES = 12


class IdempotencyKey(Base):
    """A key that was sent: whose claim it is, for which request, and the sealed answer once there is one.

    `id` is a keyed hash of the caller, the route and the key; the fingerprint is one of the request, and is not
    known before the body of an upload has come.
    """

    __tablename__ = "idempotency_keys"

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    claim: Mapped[uuid.UUID] = mapped_column(Uuid)
    claimed_until: Mapped[datetime]
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Vault:
    """Hashes and seals with the shop's secret: what is stored tells nobody else of people, passwords or new keys."""

    class Purpose(Enum):
        """What a derived key is for; two purposes never share one."""

        SCOPE = b"idem scope"
        REQUEST = b"idem request"
        ANSWER = b"idem answer"

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def hash(self, purpose: "Vault.Purpose", *parts: bytes) -> bytes:
        """Hash the parts, each for itself."""
        hashed = hashlib.blake2b(key=self._key(purpose), digest_size=32)
        for part in parts:
            hashed.update(len(part).to_bytes(8) + part)
        return hashed.digest()

    def seal(self, text: bytes, key_id: bytes) -> bytes:
        """Encrypt the answer of this key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self._key(self.Purpose.ANSWER)).encrypt(nonce, text, key_id)

    def open(self, sealed: bytes, key_id: bytes) -> bytes:
        """Decrypt it."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        return AESGCM(self._key(self.Purpose.ANSWER)).decrypt(nonce, text, key_id)

    def _key(self, purpose: "Vault.Purpose") -> bytes:
        return hashlib.blake2b(self._secret, digest_size=32, person=purpose.value).digest()


_TAKE = """
    INSERT INTO idempotency_keys (id, claim, claimed_until, fingerprint, expires_at) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (id) DO UPDATE SET claim = excluded.claim, claimed_until = excluded.claimed_until,
        fingerprint = excluded.fingerprint, answer = NULL, expires_at = excluded.expires_at
    WHERE idempotency_keys.answer IS NULL AND idempotency_keys.claimed_until < $6 OR idempotency_keys.expires_at < $6
    RETURNING id
"""
_KEEP = """
    UPDATE idempotency_keys SET answer = $3, fingerprint = $4 WHERE id = $1 AND claim = $2 AND answer IS NULL
    RETURNING id
"""
_RELEASE = "DELETE FROM idempotency_keys WHERE id = $1 AND claim = $2 AND answer IS NULL"


class Claim:
    """The right to do what a key stands for, as long as nobody has taken it over."""

    def __init__(self, key_id: bytes) -> None:
        self.key_id = key_id
        self._token = uuid.uuid4()

    async def take(self, connection: AsyncConnection, fingerprint: bytes | None) -> bool:
        """Whether the key is ours now: nobody sent it before, or whoever did has expired or died."""
        now = utc_now()
        claim = (self.key_id, self._token, now + LEASE, fingerprint, now + KEPT, now)
        return bool(await fetch(connection, _TAKE, *claim))

    async def keep(self, connection: Connection, answer: bytes, fingerprint: bytes) -> bool:
        """Store the sealed answer; False when the claim is somebody else's by now."""
        return bool(await fetch(connection, _KEEP, self.key_id, self._token, answer, fingerprint))

    async def release(self, connection: AsyncConnection) -> None:
        """Let the next request with this key begin anew, unless the answer was stored after all."""
        await fetch(connection, _RELEASE, self.key_id, self._token)


async def find_sent_before(connection: AsyncConnection, key_id: bytes) -> Any | None:
    """Look up `fingerprint` and `answer` of the request that came first with this key."""
    statement = select(IdempotencyKey.fingerprint, IdempotencyKey.answer)
    return (await connection.execute(statement.where(IdempotencyKey.id == key_id))).one_or_none()


@scheduled("purge_idempotency_keys", timedelta(hours=1))
async def purge_idempotency_keys(session: AsyncSession) -> int:
    """Delete keys whose day is over."""
    return await delete_some(session, IdempotencyKey.id, IdempotencyKey.expires_at < utc_now())
