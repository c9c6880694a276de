"""Filling carts, and merging a guest's into an account's."""

import hashlib
import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.errors import no_item
from app.core.db.driver import connection_of
from app.core.http.conditional import Precondition
from app.core.http.request_info import scope_var
from app.identity.sessions.opened import on_opened
from app.sales.cart.errors import (
    CartFull,
    CartLineFull,
    CartLineNotFound,
    CouponNotValid,
    NotForSale,
    no_cart,
)
from app.sales.cart.goods import Goods
from app.sales.cart.queries import CartOwner, find_goods
from app.sales.cart.repository import CartRepository, KeptLine, LockedCart
from app.sales.cart.schemas import MOST_LINES, MOST_PIECES, CartLineIn, CartWarning
from app.sales.discounts.queries import find_rules

TOKEN_HEADER = "X-Cart-Token"  # noqa: S105 (the name of a header)
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 100


def account_cart(user_id: int) -> CartOwner:
    """The owner of an account's cart."""
    return CartOwner(user_id, None, None, may_open=True)


def guest_cart(token: str) -> CartOwner:
    """The owner of a guest's cart: the token is kept nowhere, its hash is."""
    return CartOwner(None, hashlib.sha256(token.encode()).digest(), token, may_open=False)


def new_guest() -> CartOwner:
    """A guest who has no cart yet, with a new token of 256 bits."""
    return guest_cart(secrets.token_urlsafe(_TOKEN_BYTES))._replace(may_open=True)


class CartService:
    """Fills, empties and merges carts. `currency` is what the shop sells in."""

    def __init__(self, session: AsyncSession, carts: CartRepository, currency: str) -> None:
        self._session = session
        self._carts = carts
        self._currency = currency

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session."""
        return cls(session, CartRepository(session), currency)

    async def add(self, owner: CartOwner, line: CartLineIn) -> None:
        """Put so many more of an item in the cart.

        Raises ItemNotFound, NotForSale, CartFull, CartLineFull, CartNotFound.
        """
        goods = await self._offered(line.item_id)
        cart = await self._lock(owner, Precondition(None))
        pieces = {kept.item_id: kept.quantity for kept in await self._carts.read_lines(cart)}
        quantity = line.quantity + pieces.get(line.item_id, 0)
        if quantity > MOST_PIECES:
            message = f"A line has at most {MOST_PIECES} pieces; this one has {quantity - line.quantity}."
            raise CartLineFull(message, errors=CartLineFull.about("quantity", message))
        if line.item_id not in pieces and len(pieces) >= MOST_LINES:
            message = f"A cart has at most {MOST_LINES} lines; take one out first."
            raise CartFull(message, errors=CartFull.about("item_id", message))
        await self._set(cart, goods, quantity)

    async def set_quantity(
        self, owner: CartOwner, precondition: Precondition, item_id: int, quantity: int
    ) -> None:
        """Have so many of an item that is in the cart. Raises CartNotFound, CartLineNotFound, NotForSale, StaleVersion."""
        cart = await self._lock(owner, precondition)
        if item_id not in {line.item_id for line in await self._carts.read_lines(cart)}:
            raise _no_line(item_id)
        await self._set(cart, await self._offered(item_id), quantity)

    async def remove(self, owner: CartOwner, precondition: Precondition, item_id: int) -> None:
        """Take an item out. Raises CartNotFound, CartLineNotFound, StaleVersion."""
        cart = await self._lock(owner, precondition)
        if not await self._carts.remove(cart, item_id):
            raise _no_line(item_id)
        await self._carts.touch(cart)

    async def clear(self, owner: CartOwner, precondition: Precondition) -> None:
        """Empty the cart, its coupon too. Raises CartNotFound, StaleVersion."""
        cart = await self._lock(owner, precondition)
        await self._carts.clear(cart)

    async def set_coupon(self, owner: CartOwner, code: str | None) -> None:
        """Have the coupon count, or none. Raises CartNotFound, CouponNotValid."""
        cart = await self._lock(owner, Precondition(None))
        if code is not None:
            found = await find_rules(await connection_of(self._session), code, owner.user_id)
            if found.refusals:
                message = found.refusals[0]
                raise CouponNotValid(message, errors=CouponNotValid.about("code", message))
        await self._carts.touch(cart._replace(coupon=code))

    async def _offered(self, item_id: int) -> Goods:
        found = await find_goods(await connection_of(self._session), [item_id])
        if not found or not found[0].is_active:
            raise no_item(item_id)
        goods = found[0]
        if not goods.is_for_sale(self._currency):
            raise NotForSale(f"“{goods.title}” is not for sale.")
        return goods

    async def _set(self, cart: LockedCart, goods: Goods, quantity: int) -> None:
        await self._carts.set(cart, [KeptLine(goods.item_id, quantity, goods.price or Decimal(0))])
        await self._carts.touch(cart)

    async def _lock(self, owner: CartOwner, precondition: Precondition) -> LockedCart:
        cart = await self._carts.lock(owner)
        if cart is None and owner.may_open:
            cart = await self._carts.open(owner)
        if cart is None:
            raise no_cart()
        precondition.check(cart.version)
        return cart


class CartMerger:
    """Puts what a guest, or an earlier order, had into an account's cart."""

    def __init__(self, session: AsyncSession, carts: CartRepository) -> None:
        self._session = session
        self._carts = carts

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, CartRepository(session))

    async def merge(self, guest: CartOwner, user_id: int) -> None:
        """Put what the guest's cart has into the account's, and end it: once, whoever asks again.

        Where another request is at one of the carts they stay apart until the account's is next written.
        """
        theirs = await self._carts.lock(guest, skips_locked=True)
        if theirs is None:
            return
        owner = account_cart(user_id)
        own = await self._carts.lock(owner, skips_locked=True) or await self._carts.open(owner)
        if own is None:
            return
        warnings = await self._fill(own, await self._carts.read_lines(theirs))
        await self._carts.delete(theirs)
        await self._carts.touch(own._replace(coupon=own.coupon or theirs.coupon), warnings)

    async def add_all(
        self, user_id: int, brought: Sequence[KeptLine], warnings: Sequence[CartWarning]
    ) -> None:
        """Put these lines into the account's cart, with these warnings."""
        own = await self._carts.open(account_cart(user_id))
        if own is None:
            raise no_cart()
        await self._carts.touch(own, [*warnings, *await self._fill(own, brought)])

    async def _fill(self, own: LockedCart, brought: Sequence[KeptLine]) -> list[CartWarning]:
        """Sum the quantities, then cut them to what a line may have and what there is; warnings tell what was cut."""
        kept = {line.item_id: line for line in await self._carts.read_lines(own)}
        items = await find_goods(await connection_of(self._session), [line.item_id for line in brought])
        goods = {item.item_id: item for item in items}
        warnings: list[CartWarning] = []
        merged: dict[int, KeptLine] = {}
        for line in brought:
            item, before = goods[line.item_id], kept.get(line.item_id)
            if before is None and len(kept.keys() | merged.keys()) >= MOST_LINES:
                warnings.append(_warning("line-dropped", item, f"“{item.title}” found no place in the cart."))
                continue
            wanted = line.quantity + (before.quantity if before else 0)
            pieces = _clamp(wanted, item.available)
            merged[line.item_id] = KeptLine(line.item_id, pieces, (before or line).seen_price)
            if pieces != wanted:
                message = f"{wanted} of “{item.title}” were wanted, {pieces} are in the cart."
                warnings.append(_warning("quantity-clamped", item, message))
        await self._carts.set(own, [*merged.values()])
        return warnings


def sent_token() -> str | None:
    """The guest's token that came with the request under way."""
    scope = scope_var.get()
    sent = dict(scope["headers"]).get(TOKEN_HEADER.lower().encode()) if scope else None
    return sent.decode("latin-1") if sent and len(sent) <= _LONGEST_TOKEN else None


@on_opened
async def merge_guest_cart(session: AsyncSession, user_id: int) -> None:
    """Whoever logs in or registers keeps what they put in a cart before."""
    token = sent_token()
    if token is not None:
        await CartMerger.build(session).merge(guest_cart(token), user_id)


def _no_line(item_id: int) -> CartLineNotFound:
    return CartLineNotFound(f"Item {item_id} is not in the cart.")


def _clamp(quantity: int, available: int) -> int:
    """At most what a line may have, and what there is, where there is any."""
    return min(quantity, MOST_PIECES, max(available, 0) or MOST_PIECES)


def _warning(code: str, item: Goods, message: str) -> CartWarning:
    return CartWarning(code=code, item_id=item.item_id, message=message)
