"""Positions in a series that are Roman numbers sort by them, as those that are stored from now on do."""

from collections.abc import Sequence

from alembic import op
from app.core.db.backfill import back_fill

revision: str = "0073"
down_revision: str | None = "0072"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNITS = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
NUMBERS = " ".join(tens + unit for tens in ("", "x", "xx", "xxx") for unit in UNITS if tens + unit)
VALUE = (
    rf"array_position(string_to_array('{NUMBERS}', ' '), substring(lower(series_position) FROM '\m[xvi]+\M'))"
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        back_fill(
            op.get_context(),
            "books",
            f"series_order = {VALUE}",
            wanting=f"series_order IS NULL AND series_position !~ '[0-9]' AND {VALUE} IS NOT NULL",
            key="item_id",
        )


def downgrade() -> None:
    """Nothing: the release before reads these numbers as it reads any other."""
