"""Tables of the identity domain."""

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.models import Base, Id, Timestamped, Versioned
from app.identity.permissions import Role

_ROLES = ", ".join(f"'{role}'" for role in Role)


class User(Timestamped, Versioned, Base):
    """An account. Names and addresses are unique whatever their case."""

    __tablename__ = "users"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    username: Mapped[str]
    email: Mapped[str]
    email_key: Mapped[str]
    password_hash: Mapped[str]
    full_name: Mapped[str | None]
    role: Mapped[str] = mapped_column(default=Role.USER.value, server_default=Role.USER.value)
    is_active: Mapped[bool] = mapped_column(default=True, server_default="true")
    is_verified: Mapped[bool] = mapped_column(default=False, server_default="false")

    __table_args__ = (
        UniqueConstraint("username"),
        UniqueConstraint("email_key"),
        CheckConstraint("username = lower(username)", name="username_lower"),
        CheckConstraint(f"role IN ({_ROLES})", name="role"),
    )
