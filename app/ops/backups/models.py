"""What the database remembers of backups: the last one of each kind, for the metric of its age."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base


class LastBackup(Base):
    """The last dump, and the last base backup of the log's archive, which docker/postgres/wal writes here as `base-…`."""

    __tablename__ = "last_backup"

    name: Mapped[str] = mapped_column(primary_key=True)
    snapshot_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    size: Mapped[int] = mapped_column(BigInteger)
