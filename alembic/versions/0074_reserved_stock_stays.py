"""No level of stock is deleted while open orders wait for some of it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0074"
down_revision: str | None = "0073"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute(
        """
CREATE OR REPLACE FUNCTION public.keep_reserved_stock()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$ BEGIN
    RAISE EXCEPTION 'open orders wait for some of item %', OLD.item_id
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_stock_levels_gone_unreserved';
END $function$
        """
    )
    op.execute(
        "CREATE TRIGGER keep_reserved_stock BEFORE DELETE ON stock_levels"
        " FOR EACH ROW WHEN (OLD.reserved > 0) EXECUTE FUNCTION keep_reserved_stock()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_reserved_stock ON stock_levels")
    op.execute("DROP FUNCTION keep_reserved_stock()")
