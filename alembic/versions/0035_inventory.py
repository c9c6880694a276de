"""Movements say why and what they reserved; stock has a threshold, and what crosses it is announced."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ANNOUNCE = """
    CREATE FUNCTION announce_stock() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO outbox_events (type, payload)
        SELECT kind, jsonb_build_object('item_id', item_id, 'available', now_available)
        FROM (
            SELECT item_id, fresh.on_hand - fresh.reserved AS now_available,
                CASE
                    WHEN stale.on_hand > stale.reserved AND fresh.on_hand <= fresh.reserved THEN 'stock.out'
                    WHEN stale.on_hand <= stale.reserved AND fresh.on_hand > fresh.reserved THEN 'stock.back'
                    WHEN stale.on_hand - stale.reserved > fresh.low_stock_threshold
                        AND fresh.on_hand - fresh.reserved <= fresh.low_stock_threshold THEN 'stock.low'
                END AS kind
            FROM fresh JOIN stale USING (item_id)
        ) AS crossed
        WHERE kind IS NOT NULL ORDER BY item_id;
        IF FOUND THEN
            PERFORM pg_notify('outbox', '');
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.add_column(
        "stock_movements", sa.Column("reserved_delta", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("stock_movements", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("stock_levels", sa.Column("low_stock_threshold", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_stock_levels_low_stock_threshold_not_negative"), "stock_levels", "low_stock_threshold >= 0"
    )
    op.create_index(
        "ix_stock_levels_low",
        "stock_levels",
        ["item_id"],
        postgresql_where=sa.text("on_hand - reserved <= low_stock_threshold"),
    )
    op.create_table(
        "inventory_checks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("mismatches", sa.Integer(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_checks")),
    )
    op.execute(ANNOUNCE)
    op.execute(
        "CREATE TRIGGER announce_stock AFTER UPDATE ON stock_levels"
        " REFERENCING OLD TABLE AS stale NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION announce_stock()"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER announce_stock ON stock_levels")
    op.execute("DROP FUNCTION announce_stock")
    op.drop_table("inventory_checks")
    op.drop_index("ix_stock_levels_low", "stock_levels")
    op.drop_constraint(op.f("ck_stock_levels_low_stock_threshold_not_negative"), "stock_levels")
    op.drop_column("stock_levels", "low_stock_threshold")
    op.drop_column("stock_movements", "reason")
    op.drop_column("stock_movements", "reserved_delta")
