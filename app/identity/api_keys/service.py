"""Making, listing, replacing and ending API keys."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.errors import FieldProblem
from app.core.events.events import publish
from app.identity.api_keys.errors import (
    ApiKeyNotFound,
    ApiKeyReplaced,
    ApiKeyTooLong,
    TooManyApiKeys,
)
from app.identity.api_keys.queries import unknown_key
from app.identity.api_keys.repository import ApiKeyRepository
from app.identity.api_keys.schemas import (
    DEFAULT_NAME,
    ApiKeyCreated,
    ApiKeyIn,
    ApiKeyOut,
)
from app.identity.authentication.api_key_format import key_digest, key_hint, make_key
from app.identity.authentication.queries import LONGEST_STAFF_KEY
from app.identity.errors import InsufficientScope
from app.identity.events import ApiKeyMade
from app.identity.models import ApiKey
from app.identity.permissions import permissions_of
from app.identity.principal import Principal, account_group
from app.identity.sessions.repository import SessionRepository

MOST_KEYS = 50


class ApiKeyService:
    """Makes and ends the keys of one caller, who must be logged in."""

    def __init__(self, session: AsyncSession, keys: ApiKeyRepository, sessions: SessionRepository) -> None:
        self._db = session
        self._keys = keys
        self._sessions = sessions

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, ApiKeyRepository(session), SessionRepository(session))

    async def create(self, owner: Principal, request: ApiKeyIn) -> ApiKeyCreated:
        """A new key with at most the caller's permissions; of staff it lasts 90 days at most.

        Raises InsufficientScope, ApiKeyTooLong, TooManyApiKeys.
        """
        _refuse_more_than_own(owner, request.scopes)
        return await self._add(owner, ApiKey(**request.model_dump()))

    async def generate(self, owner: Principal) -> ApiKeyCreated:
        """The one default key, with all that the caller may do; an earlier one ends. Raises TooManyApiKeys."""
        await self._sessions.require_owner(owner)
        await self._revoke_default(owner)
        return await self._add(owner, ApiKey(name=DEFAULT_NAME, scopes=sorted(owner.permissions)))

    async def rotate(self, owner: Principal, key_id: int, overlap_seconds: int) -> ApiKeyCreated:
        """A new key in place of the old one, which still works for `overlap_seconds`.

        The new key takes over the name, the addresses, the length of life and those scopes
        that the owner's role still allows.
        Raises ApiKeyNotFound, ApiKeyReplaced, InsufficientScope, TooManyApiKeys.
        """
        await self._sessions.require_owner(owner)
        old = await self._keys.lock(owner.user_id, key_id)
        if old is None:
            raise unknown_key(key_id)
        if old.replaced_by_id is not None:
            raise ApiKeyReplaced(f"Key {old.replaced_by_id} took over from key {key_id}; rotate that one.")
        allowed = permissions_of(owner.role)
        scopes = [scope for scope in old.scopes if scope in allowed]
        _refuse_more_than_own(owner, scopes)
        now = utc_now()
        lifetime = old.expires_at - old.created_at if old.expires_at else None
        if owner.is_staff:
            lifetime = min(lifetime or LONGEST_STAFF_KEY, LONGEST_STAFF_KEY)
        successor = ApiKey(
            name=old.name,
            scopes=scopes,
            allowed_ips=old.allowed_ips,
            expires_at=now + lifetime if lifetime else None,
        )
        created = await self._add(owner, successor)
        ends_at = now + timedelta(seconds=overlap_seconds)
        old.expires_at = min(old.expires_at, ends_at) if old.expires_at else ends_at
        old.replaced_by_id = created.id
        changes = {"replaced_by_id": (None, created.id), "expires_at": (None, old.expires_at)}
        await self._changed("rotated", owner, key_id, changes)
        return created

    async def revoke(self, owner: Principal, key_id: int) -> None:
        """End one's own key at once. Raises ApiKeyNotFound."""
        if not await self._keys.revoke(owner.user_id, key_id):
            raise unknown_key(key_id)
        await self._changed("revoked", owner, key_id)

    async def revoke_default(self, owner: Principal) -> None:
        """End the default key, and any that it replaced and that still works. Raises ApiKeyNotFound."""
        if not await self._revoke_default(owner):
            raise ApiKeyNotFound("You have no default key.")

    async def _revoke_default(self, owner: Principal) -> int:
        revoked = await self._keys.revoke_named(owner.user_id, DEFAULT_NAME)
        for key_id in revoked:
            await self._changed("revoked", owner, key_id)
        return len(revoked)

    async def _add(self, owner: Principal, key: ApiKey) -> ApiKeyCreated:
        # Whoever counts locks the account, so that two requests cannot both make the last one.
        await self._sessions.require_owner(owner)
        if await self._keys.count_usable(owner.user_id) >= MOST_KEYS:
            raise TooManyApiKeys(f"An account has at most {MOST_KEYS} keys that work; revoke one first.")
        secret = make_key(owner.user_id)
        now = utc_now()
        key.user_id, key.created_at = owner.user_id, now
        key.expires_at = _end_of(owner, key.expires_at, now)
        key.key_hash, key.hint = key_digest(secret), key_hint(secret)
        await self._keys.add(key)
        shown = ApiKeyOut.model_validate(key)
        given = {"name": key.name, "scopes": " ".join(key.scopes), "allowed_ips": " ".join(key.allowed_ips)}
        changes = {name: (None, value) for name, value in {**given, "expires_at": key.expires_at}.items()}
        record_audit(self._db, "api_key.created", ("api_key", key.id), changes, actor_id=owner.user_id)
        await publish(self._db, ApiKeyMade(owner.user_id, key.name, key.hint))
        return ApiKeyCreated(**shown.model_dump(), api_key=secret)

    async def _changed(
        self,
        what: str,
        owner: Principal,
        key_id: int,
        changes: Mapping[str, tuple[object, object]] | None = None,
    ) -> None:
        target = ("api_key", key_id)
        record_audit(self._db, f"api_key.{what}", target, changes, actor_id=owner.user_id)
        invalidate(self._db, account_group(owner.user_id))


def _end_of(owner: Principal, wanted: datetime | None, now: datetime) -> datetime | None:
    """When a key made now ends. Raises ApiKeyTooLong for one of staff that would last longer than 90 days."""
    if not owner.is_staff:
        return wanted
    latest = now + LONGEST_STAFF_KEY
    if wanted is not None and wanted > latest:
        message = f"must be at most {LONGEST_STAFF_KEY.days} days ahead, or left out"
        raise ApiKeyTooLong(
            f"expires_at: a key of staff lasts {LONGEST_STAFF_KEY.days} days at most; name an earlier moment, or"
            " leave it out, and rotate the key in time.",
            errors=ApiKeyTooLong.about("expires_at", message),
        )
    return wanted or latest


def _refuse_more_than_own(owner: Principal, scopes: Iterable[str]) -> None:
    extra = [scope for scope in scopes if scope not in owner.permissions]
    if not extra:
        return
    listed = " ".join(extra)
    errors: list[FieldProblem] = [
        {"field": "scopes", "message": f"{scope} is not yours to give", "type": "insufficient-scope"}
        for scope in extra
    ]
    raise InsufficientScope(
        f"A key may do at most what you may do, and you may not: {', '.join(extra)}.",
        errors=errors,
        headers={"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{listed}"'},
    )
