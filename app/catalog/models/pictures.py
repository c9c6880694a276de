"""Pictures that are to be fetched from elsewhere."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class FetchState(StrEnum):
    """Being fetched, in its place, or given up."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class PictureFetch(Base):
    """A picture that the worker is to fetch from `url` and to put as the item's picture `number`.

    `replaces` is the name of the picture that stood there when it was asked for (None: none did): what somebody put
    there meanwhile stays. `code` and `detail` say why it failed, as a problem does; `picture` is what came of it.
    """

    __tablename__ = "picture_fetches"

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    number: Mapped[int]
    url: Mapped[str]
    replaces: Mapped[str | None]
    requested_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(server_default="pending", default="pending")
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    code: Mapped[str | None]
    detail: Mapped[str | None]
    picture: Mapped[str | None]
    import_id: Mapped[int | None]
    """The import whose row `import_row` named it, if one did."""
    import_row: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    done_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'failed')", name="state"),
        Index("ix_picture_fetches_item_id_id", "item_id", "id"),
        Index("ix_picture_fetches_created_at", "created_at"),
    )
