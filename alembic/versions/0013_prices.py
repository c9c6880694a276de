"""Every price an item had, and prices that are scheduled.

Triggers on `items` write the history, so that no path to a price can forget it: the API, imports, COPY,
a statement typed by hand. A transaction says where a change comes from in `bookstore.price_source`
and who makes it in `bookstore.price_actor`; scheduled prices write their entries themselves, since
one statement of theirs carries out the plans of many people.

`lowest_price_30d` follows Directive 98/6/EC, article 6a: a reduction is announced beside the lowest
price of the 30 days before it (2), and a reduction that grows step by step keeps the price from
before its first step (5). Any rise ends the reduction, since the next one has another 30 days before it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SPAN = "tstzrange(starts_at, coalesce(ends_at, starts_at), CASE WHEN ends_at IS NULL THEN '[]' ELSE '[)' END)"

# A setting that was set in an earlier transaction of the connection reads as '', not NULL.
PRICE_ACTOR = """
    CREATE FUNCTION price_actor() RETURNS bigint LANGUAGE sql STABLE
    RETURN nullif(current_setting('bookstore.price_actor', true), '')::bigint
"""
PRICE_SOURCE = """
    CREATE FUNCTION price_source() RETURNS text LANGUAGE sql STABLE
    RETURN coalesce(nullif(current_setting('bookstore.price_source', true), ''), 'edit')
"""

RECORD_FIRST = """
    CREATE FUNCTION record_first_prices() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE is_import boolean := price_source() = 'import';
    BEGIN
        INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)
        SELECT id, price, currency, created_at,
            CASE WHEN is_import THEN 'import' ELSE 'initial' END,
            CASE WHEN is_import THEN coalesce(price_actor(), owner_id) ELSE owner_id END
        FROM added;
        RETURN NULL;
    END $$
"""

# The price of the window's first moment was set before it; 720 hours are 30 days in any time zone.
KEEP_LOWEST = """
    CREATE FUNCTION keep_lowest_price() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE since timestamptz := clock_timestamp() - interval '720 hours';
    BEGIN
        IF NEW.price < OLD.price AND NEW.currency = OLD.currency THEN
            NEW.lowest_price_30d := coalesce(OLD.lowest_price_30d, least(OLD.price, (
                SELECT min(price) FROM price_changes
                WHERE item_id = OLD.id AND currency = OLD.currency AND changed_at >= coalesce((
                    SELECT max(changed_at) FROM price_changes WHERE item_id = OLD.id AND changed_at <= since
                ), '-infinity')
            )));
        ELSE
            NEW.lowest_price_30d := NULL;
        END IF;
        RETURN NEW;
    END $$
"""

RECORD_CHANGE = """
    CREATE FUNCTION record_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF price_source() = 'schedule' THEN
            RETURN NULL;
        END IF;
        INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)
        VALUES (NEW.id, NEW.price, NEW.currency, clock_timestamp(), price_source(), price_actor());
        UPDATE price_schedules SET state = 'overridden'
        WHERE item_id = NEW.id
        AND (state = 'active' OR (state = 'pending' AND starts_at <= clock_timestamp()));
        RETURN NULL;
    END $$
"""

FUNCTIONS = (PRICE_ACTOR, PRICE_SOURCE, RECORD_FIRST, KEEP_LOWEST, RECORD_CHANGE)
TRIGGERS = (
    """
    CREATE TRIGGER record_first_prices AFTER INSERT ON items REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION record_first_prices()
    """,
    """
    CREATE TRIGGER keep_lowest_price BEFORE UPDATE OF price, currency ON items FOR EACH ROW
    WHEN (OLD.price IS DISTINCT FROM NEW.price OR OLD.currency IS DISTINCT FROM NEW.currency)
    EXECUTE FUNCTION keep_lowest_price()
    """,
    """
    CREATE TRIGGER record_price_change AFTER UPDATE OF price, currency ON items FOR EACH ROW
    WHEN (OLD.price IS DISTINCT FROM NEW.price OR OLD.currency IS DISTINCT FROM NEW.currency)
    EXECUTE FUNCTION record_price_change()
    """,
    """
    CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()
    """,
)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.create_table(
        "price_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "source IN ('initial', 'edit', 'import', 'schedule')", name=op.f("ck_price_changes_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_changes")),
    )
    op.execute(
        "INSERT INTO price_changes (item_id, price, currency, changed_at, source, actor_id)"
        " SELECT id, price, currency, created_at, 'initial', owner_id FROM items ORDER BY id"
    )
    op.create_index(
        "ix_price_changes_item_id_changed_at_id", "price_changes", ["item_id", "changed_at", "id"]
    )
    _create_schedules()
    for statement in (*FUNCTIONS, *TRIGGERS):
        op.execute(statement)


def _create_schedules() -> None:
    op.create_table(
        "price_schedules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="pending", nullable=False),
        sa.Column("regular_price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("price > 0", name=op.f("ck_price_schedules_price_positive")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_price_schedules_ends_after_start")),
        sa.CheckConstraint(
            "state IN ('pending', 'active', 'ended', 'overridden', 'missed')",
            name=op.f("ck_price_schedules_state"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_price_schedules_item_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_schedules")),
        postgresql.ExcludeConstraint(
            (sa.column("item_id"), "="),
            (sa.text(SPAN), "&&"),
            name="ex_price_schedules_overlap",
            using="gist",
            where=sa.text("state IN ('pending', 'active')"),
        ),
    )
    op.create_index("ix_price_schedules_item_id_starts_at", "price_schedules", ["item_id", "starts_at"])
    for state, moment in (("pending", "starts_at"), ("active", "ends_at")):
        op.create_index(
            f"ix_price_schedules_{state}",
            "price_schedules",
            [moment],
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def downgrade() -> None:
    for trigger in ("record_price_change", "keep_lowest_price", "record_first_prices"):
        op.execute(f"DROP TRIGGER {trigger} ON items")
        op.execute(f"DROP FUNCTION {trigger}()")
    for function in ("price_source", "price_actor"):
        op.execute(f"DROP FUNCTION {function}()")
    op.drop_table("price_schedules")
    op.drop_table("price_changes")
