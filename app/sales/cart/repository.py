"""Writes carts."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.sales.cart.queries import CartOwner, owned_by
from app.sales.cart.schemas import MOST_PIECES, CartWarning
from app.sales.models import Cart, CartLine

GUEST_LIFETIME = timedelta(days=30)
"""Since the last change."""


class KeptLine(NamedTuple):
    """So many of an item, with the price at which it was last set."""

    item_id: int
    quantity: int
    seen_price: Decimal


class CartRepository:
    """Locks carts and writes their lines. A change of a cart is made under its lock, so that tabs wait for each other."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, owner: CartOwner, *, skips_locked: bool = False) -> Cart | None:
        """Lock the owner's cart until the transaction ends; None without one, or while another has it."""
        wanted = select(Cart).where(owned_by(owner)).with_for_update(skip_locked=skips_locked)
        return await self._session.scalar(wanted.execution_options(populate_existing=True))

    async def open(self, owner: CartOwner) -> Cart | None:
        """Give the owner a cart and lock it; None where another request has made one and has it locked."""
        made = insert(Cart).values(
            user_id=owner.user_id, token_hash=owner.token_hash, expires_at=_expiry(owner)
        )
        await self._session.execute(made.on_conflict_do_nothing())
        return await self.lock(owner)

    async def touch(self, cart: Cart, warnings: Sequence[CartWarning] = ()) -> None:
        """Count a change; what is to be told of it stands until the next one."""
        cart.version += 1
        cart.warnings = [one.model_dump() for one in warnings]
        if cart.token_hash is not None:
            cart.expires_at = utc_now() + GUEST_LIFETIME
        await self._session.flush()

    async def read_lines(self, cart: Cart) -> Sequence[KeptLine]:
        """The cart's lines, in the order in which they were put in."""
        columns = (CartLine.item_id, CartLine.quantity, CartLine.seen_price)
        lines = select(*columns).where(CartLine.cart_id == cart.id)
        rows = await self._session.execute(lines.order_by(CartLine.added_at, CartLine.item_id))
        return [KeptLine(*row) for row in rows]

    async def set(self, cart: Cart, lines: Sequence[KeptLine]) -> None:
        """Have these lines, beside those of other items."""
        if not lines:
            return
        rows = [{"cart_id": cart.id, **line._asdict()} for line in lines]
        added = insert(CartLine).values(rows)
        kept = {"quantity": added.excluded.quantity, "seen_price": added.excluded.seen_price}
        await self._session.execute(
            added.on_conflict_do_update(index_elements=[CartLine.cart_id, CartLine.item_id], set_=kept)
        )

    async def remove(self, cart: Cart, item_ids: Sequence[int] | None = None) -> int:
        """Take these items out, or all; return how many lines that were."""
        gone = delete(CartLine).where(CartLine.cart_id == cart.id)
        if item_ids is not None:
            gone = gone.where(CartLine.item_id.in_(item_ids))
        removed = await self._session.execute(gone.returning(CartLine.item_id))
        return len(removed.all())

    async def delete(self, cart: Cart) -> None:
        """Delete the cart with its lines."""
        await self._session.execute(delete(Cart).where(Cart.id == cart.id))


async def delete_ended(session: AsyncSession) -> int:
    """Delete the carts of guests whose time is over; return how many."""
    ended = delete(Cart).where(Cart.expires_at <= func.now()).returning(Cart.id)
    return len((await session.execute(ended)).all())


def clamp(quantity: int, available: int) -> int:
    """At most what a line may have, and what there is, where there is any."""
    return min(quantity, MOST_PIECES, max(available, 0) or MOST_PIECES)


def _expiry(owner: CartOwner) -> Any:
    return None if owner.token_hash is None else utc_now() + GUEST_LIFETIME
