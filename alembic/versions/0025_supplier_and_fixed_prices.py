"""What suppliers say of a book, whether its price is fixed, whose stock an import takes, and what rows chose."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Constant defaults: no table is rewritten.
    op.add_column("books", sa.Column("is_price_fixed", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("books", sa.Column("supplier_availability", sa.Text(), nullable=True))
    op.add_column("books", sa.Column("supplier_expected_on", sa.Text(), nullable=True))
    op.add_column("import_jobs", sa.Column("stock", sa.Text(), server_default="own", nullable=False))
    op.create_check_constraint(op.f("ck_import_jobs_stock"), "import_jobs", "stock IN ('own', 'import')")
    op.add_column("import_rows", sa.Column("notes", postgresql.JSONB(none_as_null=True), nullable=True))


def downgrade() -> None:
    op.drop_column("import_rows", "notes")
    op.drop_constraint(op.f("ck_import_jobs_stock"), "import_jobs", type_="check")
    op.drop_column("import_jobs", "stock")
    op.drop_column("books", "supplier_expected_on")
    op.drop_column("books", "supplier_availability")
    op.drop_column("books", "is_price_fixed")
