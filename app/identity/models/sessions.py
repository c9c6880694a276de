"""Sessions, their refresh tokens, and failed logins."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, Uuid, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class AuthSession(Base):
    """One login on one device: the family of its refresh tokens. It ends once and never comes back."""

    __tablename__ = "auth_sessions"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=func.uuidv7())
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    scopes: Mapped[list[str]]
    factors: Mapped[list[str]]
    device: Mapped[str]
    ip: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    authenticated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    last_used_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class RefreshToken(Base):
    """One refresh token: only its SHA-256 is kept; used once, by one guarded UPDATE."""

    __tablename__ = "refresh_tokens"

    id: Mapped[Id]
    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("auth_sessions.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    grace_uses: Mapped[int] = mapped_column(Integer, server_default="0")


class LoginFailure(Base):
    """Failed logins of one account from one client, and how long that pair is locked."""

    __tablename__ = "login_failures"

    account: Mapped[str] = mapped_column(primary_key=True)
    client: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(Integer, server_default="1")
    last_failed_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    locked_until: Mapped[datetime | None]
