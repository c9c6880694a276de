"""Each challenge is answered so often and no more: what is spent is counted in PostgreSQL."""

from datetime import timedelta
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.groups import JwtSettings
from app.identity.challenges import Challenge, ChallengePurpose, ChallengeSigner
from app.identity.mfa.repository import AttemptRepository

_KEPT_BEYOND = timedelta(minutes=1)
"""A spent challenge is remembered longer than it lasts, so that clocks cannot revive it."""


class ChallengeLedger:
    """Issues and reads challenges, and counts the answers to each."""

    def __init__(self, signer: ChallengeSigner, attempts: AttemptRepository) -> None:
        self._signer = signer
        self._attempts = attempts

    @classmethod
    def build(cls, session: AsyncSession, settings: JwtSettings) -> Self:
        """Compose it on one session."""
        return cls(ChallengeSigner(settings), AttemptRepository(session))

    def issue(self, purpose: ChallengePurpose, user_id: int = 0, *, stamp: str = "") -> str:
        """A new challenge; writes nothing."""
        return self._signer.issue(purpose, user_id, stamp=stamp)

    def read(self, purpose: ChallengePurpose, token: str) -> Challenge | None:
        """What it says, or None when it is forged, expired or meant for something else."""
        return self._signer.read(purpose, token)

    async def count_answer(self, challenge: Challenge, limit: int = 1) -> bool:
        """Count an answer; no when `limit` of them were counted before."""
        until = challenge.expires_at + _KEPT_BEYOND
        return await self._attempts.take(challenge.key, limit, until) is not None

    async def use_up(self, challenge: Challenge, limit: int) -> None:
        """Let no further answer count."""
        await self._attempts.use_up(challenge.key, limit)
