"""What the shop keeps of its stock beside the levels and the ledger, which are the catalogue's."""

from datetime import datetime

from sqlalchemy import Integer, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class InventoryCheck(Base):
    """What a reconciliation of all stock with its ledger came to."""

    __tablename__ = "inventory_checks"

    id: Mapped[Id]
    items: Mapped[int] = mapped_column(Integer)
    mismatches: Mapped[int] = mapped_column(Integer)
    checked_at: Mapped[datetime] = mapped_column(server_default=func.now())
