"""Documents that accounts have uploaded."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class UploadedDocument(Base):
    """A document; `file` is its name in the store and in its address, which nobody can guess."""

    __tablename__ = "uploaded_documents"

    id: Mapped[Id]
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    file: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    kind: Mapped[str]
    size: Mapped[int] = mapped_column(Integer)
    pages: Mapped[int | None] = mapped_column(Integer)
    description: Mapped[str | None]
    category: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("kind IN ('pdf', 'text', 'csv')", name="kind"),
        Index("ix_uploaded_documents_owner_id_created_at_id", "owner_id", "created_at", "id"),
    )
