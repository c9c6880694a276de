"""Writes carts."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.db.driver import DriverStatement, fetch
from app.sales.cart.queries import CartOwner, OwnersStatement
from app.sales.cart.schemas import CartWarning
from app.sales.models import Cart, CartLine

GUEST_LIFETIME = timedelta(days=30)
"""Since the last change."""


class KeptLine(NamedTuple):
    """So many of an item, with the price at which it was last set."""

    item_id: int
    quantity: int
    seen_price: Decimal


class LockedCart(NamedTuple):
    """A cart under its lock, as it is to be once it is touched."""

    id: int
    coupon: str | None
    version: int


_LOCKED = select(Cart.id, Cart.coupon, Cart.version)
_LOCK = OwnersStatement(_LOCKED.with_for_update())
_LOCK_IF_FREE = OwnersStatement(_LOCKED.with_for_update(skip_locked=True))
_LINES = DriverStatement(
    select(CartLine.item_id, CartLine.quantity, CartLine.seen_price)
    .where(CartLine.cart_id == bindparam("cart"))
    .order_by(CartLine.added_at, CartLine.item_id)
)
_OPEN = """
    INSERT INTO carts (user_id, token_hash, expires_at)
    VALUES ($1, $2, CASE WHEN $2::bytea IS NOT NULL THEN $3::timestamptz END) ON CONFLICT DO NOTHING
"""
_SET = """
    INSERT INTO cart_lines (cart_id, item_id, quantity, seen_price)
    SELECT $1, item_id, quantity, seen_price
    FROM unnest($2::bigint[], $3::integer[], $4::numeric[]) AS line (item_id, quantity, seen_price)
    ON CONFLICT (cart_id, item_id) DO UPDATE SET quantity = excluded.quantity, seen_price = excluded.seen_price
"""
_REMOVE = "DELETE FROM cart_lines WHERE cart_id = $1 AND item_id = $2 RETURNING item_id"
_TOUCH = """
    UPDATE carts SET version = version + 1, coupon = $2, warnings = $3,
        expires_at = CASE WHEN token_hash IS NOT NULL THEN $4::timestamptz END
    WHERE id = $1
"""
_CLEAR = f"WITH gone AS (DELETE FROM cart_lines WHERE cart_id = $1) {_TOUCH}"  # noqa: S608 (both are constants)
_DELETE = "DELETE FROM carts WHERE id = $1"
# The lines are seen as they were before the carts took them along.
_DELETE_ENDED = """
    WITH ended AS (
        DELETE FROM carts WHERE expires_at <= now() RETURNING id
    ), filled AS (
        SELECT max(added_at) AS at FROM cart_lines JOIN ended ON ended.id = cart_id GROUP BY cart_id
    ), kept AS (
        INSERT INTO cart_quarters AS present (starts_at, carts)
        SELECT date_bin('15 minutes', at, 'epoch') AS starts_at, count(*) FROM filled GROUP BY 1 ORDER BY 1
        ON CONFLICT (starts_at) DO UPDATE SET carts = present.carts + excluded.carts
    )
    SELECT count(*) AS ended FROM ended
"""


class CartRepository:
    """Locks carts and writes their lines. A change of a cart is made under its lock, so that tabs wait for each other."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, owner: CartOwner, *, skips_locked: bool = False) -> LockedCart | None:
        """Lock the owner's cart until the transaction ends; None without one, or while another has it."""
        wanted = _LOCK_IF_FREE if skips_locked else _LOCK
        row = await wanted.one_or_none(self._session, owner)
        return None if row is None else LockedCart(*row)

    async def open(self, owner: CartOwner) -> LockedCart | None:
        """Give the owner a cart and lock it; None where another request has made one and has it locked."""
        await fetch(self._session, _OPEN, owner.user_id, owner.token_hash, _expiry())
        return await self.lock(owner)

    async def touch(self, cart: LockedCart, warnings: Sequence[CartWarning] = ()) -> None:
        """Count a change; what is to be told of it stands until the next one."""
        await self._touch(_TOUCH, cart, warnings)

    async def read_lines(self, cart: LockedCart) -> Sequence[KeptLine]:
        """The cart's lines, in the order in which they were put in."""
        rows = await _LINES.records(self._session, cart=cart.id)
        return [KeptLine(*row) for row in rows]

    async def set(self, cart: LockedCart, lines: Sequence[KeptLine]) -> None:
        """Have these lines, beside those of other items."""
        if lines:
            await fetch(self._session, _SET, cart.id, *zip(*lines, strict=True))

    async def remove(self, cart: LockedCart, item_id: int) -> bool:
        """Take the item out; whether it was there."""
        return bool(await fetch(self._session, _REMOVE, cart.id, item_id))

    async def clear(self, cart: LockedCart) -> None:
        """Take everything out, and the coupon off."""
        await self._touch(_CLEAR, cart._replace(coupon=None))

    async def delete(self, cart: LockedCart) -> None:
        """Delete the cart with its lines."""
        await fetch(self._session, _DELETE, cart.id)

    async def _touch(self, statement: str, cart: LockedCart, warnings: Sequence[CartWarning] = ()) -> None:
        told = orjson.dumps([one.model_dump() for one in warnings]).decode()
        await fetch(self._session, statement, cart.id, cart.coupon, told, _expiry())


async def delete_ended(session: AsyncSession) -> int:
    """Delete the carts of guests whose time is over, and keep how many were last filled when; return how many."""
    [row] = await fetch(session, _DELETE_ENDED)
    return int(row["ended"])


def _expiry() -> datetime:
    return utc_now() + GUEST_LIFETIME
