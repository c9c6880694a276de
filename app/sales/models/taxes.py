"""What part of a price is tax, where and when."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Date, Numeric, column, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped, Versioned

RATE_STATE = "COALESCE(state, '')"
RATE_SPAN = "daterange(valid_from, valid_until, '[]')"
"""The days of a rate, its last one included."""


class TaxRate(Timestamped, Versioned, Base):
    """A rate of a country or of one of its states, for one class of goods, from a day on, up to another one."""

    __tablename__ = "tax_rates"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    country: Mapped[str]
    state: Mapped[str | None]
    tax_class: Mapped[str]
    rate: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        CheckConstraint("tax_class IN ('print', 'ebook', 'goods')", name="tax_class"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("rate >= 0 AND rate < 1", name="rate"),
        CheckConstraint("valid_until >= valid_from", name="ends_after_start"),
        ExcludeConstraint(
            (column("country"), "="),
            (text(RATE_STATE), "="),
            (column("tax_class"), "="),
            (text(RATE_SPAN), "&&"),
            name="ex_tax_rates_overlap",
            using="gist",
        ),
    )
