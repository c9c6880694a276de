"""Accounts and the single-use tokens that are mailed to them."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped, Versioned
from app.identity.permissions import Role

_SEARCHED = "fold_names(username, ARRAY[email, full_name, first_name, last_name])"
_ROLES = ", ".join(f"'{role}'" for role in Role)


class User(Timestamped, Versioned, Base):
    """An account. Names and addresses are unique whatever their case."""

    __tablename__ = "users"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    username: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    pending_email: Mapped[str | None]
    password_hash: Mapped[str]
    password_changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    full_name: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    phone: Mapped[str | None]
    date_of_birth: Mapped[date | None] = mapped_column(Date)
    newsletter: Mapped[bool] = mapped_column(default=False, server_default="false")
    gender: Mapped[str | None]
    language: Mapped[str | None]
    notifications: Mapped[list[str]] = mapped_column(default=lambda: ["email"], server_default="{email}")
    terms_accepted_at: Mapped[datetime | None]
    role: Mapped[str] = mapped_column(default=Role.USER.value, server_default=Role.USER.value)
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    is_verified: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (
        UniqueConstraint("username"),
        UniqueConstraint("email_key"),
        CheckConstraint("username = lower(username)", name="username_lower"),
        CheckConstraint(f"role IN ({_ROLES})", name="role"),
        CheckConstraint(
            "gender IN ('male', 'female', 'non_binary', 'prefer_not_to_say')",
            name="gender",
        ),
        CheckConstraint(
            "cardinality(notifications) > 0 AND notifications <@ '{email,sms,push,none}'::text[]",
            name="notifications",
        ),
        Index("ix_users_created_at", "created_at"),
        Index(
            "ix_users_search_trigrams",
            literal_column(_SEARCHED).label("searched"),
            postgresql_ops={"searched": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
    )


class OneTimeToken(Base):
    """A token that was mailed: only its SHA-256 is kept, it works once, and a password change ends it."""

    __tablename__ = "one_time_tokens"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[str]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    email: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "purpose IN ('verify_email', 'reset_password', 'change_email', 'stop_email_change')",
            name="purpose",
        ),
    )
