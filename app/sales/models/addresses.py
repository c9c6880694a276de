"""Where accounts live and want things sent."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped, Versioned


class SavedAddress(Timestamped, Versioned, Base):
    """An address in an account's book; orders keep copies. Of an account's addresses one is the primary."""

    __tablename__ = "addresses"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    address_type: Mapped[str]
    country: Mapped[str]
    full_name: Mapped[str]
    street_line_1: Mapped[str]
    street_line_2: Mapped[str | None]
    city: Mapped[str]
    state: Mapped[str | None]
    zip_code: Mapped[str | None]
    phone: Mapped[str | None]
    is_primary: Mapped[bool]

    __table_args__ = (
        CheckConstraint("address_type IN ('home', 'work', 'billing', 'shipping')", name="address_type"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        Index("ix_addresses_user_id", "user_id"),
        Index("uq_addresses_primary", "user_id", unique=True, postgresql_where=text("is_primary")),
    )
