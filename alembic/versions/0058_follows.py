"""Who follows which author, series or seller, and what is new for them."""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0058"
down_revision: str | None = "0057"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TARGETS = {"author_id": "authors", "series_id": "series", "seller_id": "users"}


def upgrade() -> None:
    op.create_table(
        "follows",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        *(sa.Column(column, sa.BigInteger(), nullable=True) for column in TARGETS),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(author_id, series_id, seller_id) = 1", name=op.f("ck_follows_one_target")
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_follows_{column}_{table}"), ondelete="CASCADE"
            )
            for column, table in {"user_id": "users", **TARGETS}.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follows")),
        *(
            sa.UniqueConstraint("user_id", column, name=op.f(f"uq_follows_user_id_{column}"))
            for column in TARGETS
        ),
    )
    op.create_index("ix_follows_user_id", "follows", ["user_id", "created_at", "id"])
    for column in TARGETS:
        op.create_index(op.f(f"ix_follows_{column}"), "follows", [column])
    op.create_table(
        "new_items",
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_new_items_item_id_items"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_new_items")),
    )
    op.create_index(op.f("ix_new_items_created_at"), "new_items", ["created_at"])
    op.create_index(op.f("ix_new_items_told_at"), "new_items", ["told_at"])
    op.create_index(
        "ix_new_items_untold", "new_items", ["item_id"], postgresql_where=sa.text("told_at IS NULL")
    )


def downgrade() -> None:
    op.drop_table("new_items")
    op.drop_table("follows")
