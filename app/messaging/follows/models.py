"""Who follows whom, and what is new and not told yet."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class Follow(Base):
    """One thing that somebody follows. A merged author's followers hear of whoever that was merged into."""

    __tablename__ = "follows"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id", ondelete="CASCADE"), index=True)
    series_id: Mapped[int | None] = mapped_column(ForeignKey("series.id", ondelete="CASCADE"), index=True)
    seller_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("user_id", "author_id"),
        UniqueConstraint("user_id", "series_id"),
        UniqueConstraint("user_id", "seller_id"),
        CheckConstraint("num_nonnulls(author_id, series_id, seller_id) = 1", name="one_target"),
        Index("ix_follows_user_id", "user_id", "created_at", "id"),
    )


class NewItem(Base):
    """An item that became visible for the first time; `told_at` is the run that told its followers.

    One row for an item, however many follow: what an import of thousands brings is joined with the followers when
    they are told.
    """

    __tablename__ = "new_items"

    item_id: Mapped[int] = mapped_column(
        ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    told_at: Mapped[datetime | None] = mapped_column(index=True)

    __table_args__ = (Index("ix_new_items_untold", "item_id", postgresql_where=text("told_at IS NULL")),)
