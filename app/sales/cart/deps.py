"""Whose cart a request is about: its caller's, or that of a guest who sends the cart's token."""

from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from app.core.db.transaction import SessionDep
from app.core.http.responses import ReadBack, ReadBackDep
from app.core.rate_limit import client_address, count_request
from app.core.settings.settings import Settings
from app.identity.authentication.credentials import identify
from app.identity.authentication.deps import require_permission
from app.identity.permissions import Permission
from app.sales.cart.queries import CartOwner, read_cart
from app.sales.cart.service import CartMerger, CartService, account_cart, guest_cart, new_guest

CartToken = Annotated[
    str | None,
    Header(
        alias="X-Cart-Token",
        min_length=1,
        max_length=100,
        description="A guest's key to a cart: `token` of the answer that made it. Sent with a login or a"
        " registration, the cart becomes the account's.",
        examples=["q4Zt3yE0c5h3o0mS8dFv7g1uJrWmKc9pXa2LbNe6T1s"],
    ),
]


async def get_cart_owner(request: Request, token: CartToken = None) -> CartOwner:
    """The caller, where credentials come, else the guest with the token; a new guest without.

    Raises what `require_permission` raises.
    """
    if await identify(request) is not None:
        caller = await require_permission(request, Permission.ORDERS_WRITE)
        return account_cart(caller.user_id)
    return new_guest() if token is None else guest_cart(token)


CartOwnerDep = Annotated[CartOwner, Depends(get_cart_owner)]


async def get_currency(request: Request) -> str:
    """What the shop sells in."""
    settings: Settings = request.app.state.settings
    return settings.currency


Currency = Annotated[str, Depends(get_currency)]


async def get_cart_service(
    session: SessionDep, owner: CartOwnerDep, currency: Currency, token: CartToken = None
) -> CartService:
    """Carts on the request's transaction; a guest's cart that comes with credentials becomes the account's first."""
    if owner.user_id is not None and token is not None:
        await CartMerger.build(session).merge(guest_cart(token), owner.user_id)
    return CartService.build(session, currency)


class CartAnswer:
    """Answers a write with the cart as it is then."""

    def __init__(self, read_back: ReadBack, owner: CartOwner, currency: str) -> None:
        self._read_back = read_back
        self._read = partial(read_cart, owner=owner, currency=currency)

    async def __call__(self, *, status: int = 200) -> Response:
        """Read it and answer."""
        return await self._read_back(self._read, status=status)


async def get_cart_answer(read_back: ReadBackDep, owner: CartOwnerDep, currency: Currency) -> CartAnswer:
    """The answer about the owner's cart."""
    return CartAnswer(read_back, owner, currency)


async def count_coupon(request: Request, coupon: str | None) -> None:
    """Count a code that is tried, if one is: whoever guesses codes shall not guess many. Raises RateLimited."""
    if coupon is not None:
        await count_request(request, "coupon", client_address(request))


CartAnswerDep = Annotated[CartAnswer, Depends(get_cart_answer, scope="function")]
CartServiceDep = Annotated[CartService, Depends(get_cart_service, scope="function")]
