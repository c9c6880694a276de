"""What the database remembers of backups: the last one, for the metric of its age."""

from datetime import datetime

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base


class LastBackup(Base):
    """The last backup that was made of this database; one row at most."""

    __tablename__ = "last_backup"

    name: Mapped[str] = mapped_column(primary_key=True)
    snapshot_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    size: Mapped[int] = mapped_column(BigInteger)
