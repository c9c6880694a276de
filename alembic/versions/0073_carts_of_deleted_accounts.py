"""The cart of an account that is deleted stays counted by when it was last filled, as those of guests are."""

from collections.abc import Sequence

from alembic import op

revision: str = "0073"
down_revision: str | None = "0072"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION keep_cart_count() RETURNS trigger LANGUAGE plpgsql AS $function$
        BEGIN
            INSERT INTO cart_quarters AS present (starts_at, carts)
            SELECT date_bin('15 minutes', max(added_at), 'epoch'), 1
            FROM cart_lines WHERE cart_id = OLD.id HAVING count(*) > 0
            ON CONFLICT (starts_at) DO UPDATE SET carts = present.carts + 1;
            RETURN OLD;
        END $function$
    """)
    op.execute("""
        CREATE TRIGGER keep_cart_count BEFORE DELETE ON carts
        FOR EACH ROW WHEN (OLD.user_id IS NOT NULL) EXECUTE FUNCTION keep_cart_count()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER keep_cart_count ON carts")
    op.execute("DROP FUNCTION keep_cart_count")
