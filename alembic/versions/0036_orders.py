"""Carts and orders; stock that may be sold before it is there, and says itself how much can be bought."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


# What asked for `on_hand - reserved` asks for `available` now: the text of the functions is otherwise as it was.
FUNCTIONS = (
    "announce_stock",
    "documents_of_stock_levels_insert",
    "documents_of_stock_levels_update",
    "refresh_book_documents",
)
REWRITE = """
    DO $do$ DECLARE one text; BEGIN
        FOREACH one IN ARRAY %(functions)s LOOP
            EXECUTE (SELECT %(rewritten)s FROM (SELECT pg_get_functiondef(one::regproc) AS body) AS present);
        END LOOP;
    END $do$
"""
TABLES = ("fresh", "stale", "stock_levels")
TO_AVAILABLE = [
    pair
    for table in TABLES
    for pair in (
        (f"{table}.on_hand > {table}.reserved", f"{table}.available > 0"),
        (f"{table}.on_hand <= {table}.reserved", f"{table}.available <= 0"),
        (f"{table}.on_hand - {table}.reserved", f"{table}.available"),
    )
]

CHECKS = {
    "on_hand_not_negative": "on_hand >= 0",
    "covers_reserved": "on_hand + oversell_limit >= reserved",
    "oversell_limit_not_negative": "oversell_limit >= 0",
    "sale_policy": "sale_policy IN ('in_stock', 'backorder', 'preorder', 'none')",
    "oversells_by_policy": "sale_policy <> 'in_stock' OR oversell_limit = 0",
}


def rewrite(pairs: Sequence[tuple[str, str]]) -> None:
    body = "body"
    for before, after in pairs:
        body = f"replace({body}, '{before}', '{after}')"
    named = "ARRAY[" + ", ".join(f"'{name}'" for name in FUNCTIONS) + "]"
    op.execute(sa.text(REWRITE % {"functions": named, "rewritten": body}))


def upgrade() -> None:
    op.create_table(
        "carts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("coupon", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(user_id IS NULL) <> (token_hash IS NULL)", name=op.f("ck_carts_one_owner")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_carts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_carts")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_carts_token_hash")),
        sa.UniqueConstraint("user_id", name=op.f("uq_carts_user_id")),
    )
    op.create_index(
        "ix_carts_expires_at", "carts", ["expires_at"], postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "number",
            sa.Text(),
            sa.Computed("'ORD-' || lpad((id * 57483923 % 100000000)::text, 8, '0')", persisted=True),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_status", sa.Text(), nullable=False),
        sa.Column("fulfilment_status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("is_gross", sa.Boolean(), nullable=False),
        sa.Column("subtotal", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("discount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("tax", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("shipping", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shipping_option", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "applied_discounts", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("coupon", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "least(subtotal, discount, tax, shipping, total) >= 0", name=op.f("ck_orders_no_negative_amount")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_orders_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_created_at_id", "orders", ["created_at", "id"])
    op.create_index(
        "ix_orders_expires_at", "orders", ["expires_at"], postgresql_where=sa.text("expires_at IS NOT NULL")
    )
    op.create_index("ix_orders_status_id", "orders", ["status", "id"])
    op.create_index("ix_orders_user_id_id", "orders", ["user_id", "id"])
    op.create_table(
        "cart_lines",
        sa.Column("cart_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column(
            "added_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("quantity BETWEEN 1 AND 99", name=op.f("ck_cart_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["cart_id"], ["carts.id"], name=op.f("fk_cart_lines_cart_id_carts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_cart_lines_item_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cart_id", "item_id", name=op.f("pk_cart_lines")),
    )
    op.create_index("ix_cart_lines_item_id", "cart_lines", ["item_id"])
    op.create_table(
        "order_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("is_public", sa.Boolean(), server_default="true", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_events_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_events")),
    )
    op.create_index(op.f("ix_order_events_order_id"), "order_events", ["order_id"])
    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("isbn", sa.Text(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=6, scale=5), nullable=False),
        sa.Column("tax", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("discount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("line_total", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.CheckConstraint("discount BETWEEN 0 AND line_total", name=op.f("ck_order_lines_discount")),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000", name=op.f("ck_order_lines_quantity")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "position", name=op.f("uq_order_lines_order_id_position")),
    )
    op.create_index("ix_order_lines_item_id", "order_lines", ["item_id"])
    op.create_table(
        "shipments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_shipments_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipments")),
    )
    op.create_index(op.f("ix_shipments_order_id"), "shipments", ["order_id"])
    op.create_table(
        "order_parts",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("shipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("returned", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "reserved >= 0 AND reserved + shipped <= quantity", name=op.f("ck_order_parts_reserved")
        ),
        sa.CheckConstraint("returned BETWEEN 0 AND shipped", name=op.f("ck_order_parts_returned")),
        sa.ForeignKeyConstraint(
            ["line_id"],
            ["order_lines.id"],
            name=op.f("fk_order_parts_line_id_order_lines"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_parts_order_id_orders"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("line_id", "item_id", name=op.f("pk_order_parts")),
    )
    op.create_index(op.f("ix_order_parts_order_id"), "order_parts", ["order_id"])
    op.create_index(
        "ix_order_parts_reserved", "order_parts", ["item_id"], postgresql_where=sa.text("reserved > 0")
    )
    op.add_column(
        "stock_levels", sa.Column("sale_policy", sa.Text(), server_default="in_stock", nullable=False)
    )
    op.add_column(
        "stock_levels", sa.Column("oversell_limit", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("stock_levels", sa.Column("on_sale_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "stock_levels",
        sa.Column(
            "available",
            sa.Integer(),
            sa.Computed(
                "CASE WHEN sale_policy = 'none' THEN 0 ELSE on_hand + oversell_limit - reserved END",
                persisted=True,
            ),
            nullable=False,
        ),
    )
    op.drop_index("ix_stock_levels_low", "stock_levels")
    op.create_index(
        "ix_stock_levels_low",
        "stock_levels",
        ["item_id"],
        postgresql_where=sa.text("available <= low_stock_threshold"),
    )
    op.drop_constraint(op.f("ck_stock_levels_covers_reserved"), "stock_levels")
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_stock_levels_{name}"), "stock_levels", rule)
    rewrite(TO_AVAILABLE)
    op.add_column("stock_movements", sa.Column("order_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_stock_movements_order_id",
        "stock_movements",
        ["order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_stock_movements_order_id",
        table_name="stock_movements",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.drop_column("stock_movements", "order_id")
    rewrite([(after, before) for before, after in TO_AVAILABLE])
    op.drop_index("ix_stock_levels_low", "stock_levels")
    op.create_index(
        "ix_stock_levels_low",
        "stock_levels",
        ["item_id"],
        postgresql_where=sa.text("on_hand - reserved <= low_stock_threshold"),
    )
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_stock_levels_{name}"), "stock_levels")
    op.create_check_constraint(op.f("ck_stock_levels_covers_reserved"), "stock_levels", "on_hand >= reserved")
    op.drop_column("stock_levels", "available")
    op.drop_column("stock_levels", "on_sale_at")
    op.drop_column("stock_levels", "oversell_limit")
    op.drop_column("stock_levels", "sale_policy")
    op.drop_table("order_parts")
    op.drop_table("shipments")
    op.drop_table("order_lines")
    op.drop_table("order_events")
    op.drop_table("cart_lines")
    op.drop_table("orders")
    op.drop_table("carts")
