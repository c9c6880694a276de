"""`/api/v1/cart`: of an account, or of a guest by `X-Cart-Token`."""

from functools import partial

from fastapi import APIRouter, Request, Response

from app.catalog.goods.errors import ItemNotFound
from app.core.errors import RateLimited
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import documented_permission
from app.identity.permissions import Permission
from app.sales.cart.deps import CartAnswerDep, CartOwnerDep, CartServiceDep, Currency, count_coupon
from app.sales.cart.errors import (
    CartFull,
    CartLineFull,
    CartLineNotFound,
    CartNotFound,
    CouponNotValid,
    NotForSale,
)
from app.sales.cart.queries import read_cart
from app.sales.cart.schemas import CartLineIn, CartOut, CartQuantity, CouponIn

router = APIRouter(prefix="/api/v1/cart", tags=["cart"], route_class=IdempotentRoute)
_READS = documented_permission(Permission.ORDERS_WRITE)
_WRITES = documented_permission(Permission.ORDERS_WRITE, "POST")


@router.get(
    "",
    summary="Read the cart",
    response_model=CartOut,
    responses=problems(CartNotFound),
    openapi_extra=_READS,
)
async def get_cart(currency: Currency, owner: CartOwnerDep, hot: HotDep) -> Response:
    """The cart at today's prices: what changed, what is short and what counts for less stands in `warnings`.

    Logged in, it is the account's; else that of the token in `X-Cart-Token`, and without one it is empty.
    """
    return await hot.answer_private(partial(read_cart, owner=owner, currency=currency))


@router.post(
    "/lines",
    status_code=201,
    summary="Put an item in the cart",
    response_model=CartOut,
    responses=problems(ItemNotFound, CartNotFound, NotForSale, CartFull, CartLineFull),
    dependencies=[IDEMPOTENT],
    openapi_extra=_WRITES,
)
async def add_cart_line(
    line: CartLineIn, owner: CartOwnerDep, carts: CartServiceDep, answer: CartAnswerDep
) -> Response:
    """Add so many to what the cart has of the item. A guest's first line makes a cart: keep its `token`."""
    await carts.add(owner, line)
    return await answer(status=201)


@router.put(
    "/lines/{item_id}",
    summary="Set how many of an item",
    response_model=CartOut,
    responses=problems(ItemNotFound, CartNotFound, CartLineNotFound, NotForSale),
    openapi_extra=_WRITES,
)
async def set_cart_line(
    item_id: RowId,
    quantity: CartQuantity,
    owner: CartOwnerDep,
    precondition: PreconditionDep,
    carts: CartServiceDep,
    answer: CartAnswerDep,
) -> Response:
    """Set the quantity of an item that is in the cart, at today's price."""
    await carts.set_quantity(owner, precondition, item_id, quantity.quantity)
    return await answer()


@router.delete(
    "/lines/{item_id}",
    status_code=204,
    summary="Take an item out of the cart",
    responses=problems(CartNotFound, CartLineNotFound),
    openapi_extra=_WRITES,
)
async def remove_cart_line(
    item_id: RowId, owner: CartOwnerDep, precondition: PreconditionDep, carts: CartServiceDep
) -> None:
    """Take all of an item out."""
    await carts.remove(owner, precondition, item_id)


@router.delete(
    "", status_code=204, summary="Empty the cart", responses=problems(CartNotFound), openapi_extra=_WRITES
)
async def clear_cart(owner: CartOwnerDep, precondition: PreconditionDep, carts: CartServiceDep) -> None:
    """Take everything out, and the coupon off. A guest's token stays good."""
    await carts.clear(owner, precondition)


@router.post(
    "/coupon",
    summary="Use a coupon",
    response_model=CartOut,
    responses=problems(CartNotFound, CouponNotValid, RateLimited),
    openapi_extra=_WRITES,
)
async def set_cart_coupon(
    request: Request, coupon: CouponIn, owner: CartOwnerDep, carts: CartServiceDep, answer: CartAnswerDep
) -> Response:
    """Have this coupon count for the cart, in place of another. `explain` says what it takes off, or why nothing."""
    await count_coupon(request, coupon.code)
    await carts.set_coupon(owner, coupon.code)
    return await answer()


@router.delete(
    "/coupon",
    status_code=204,
    summary="Use no coupon",
    responses=problems(CartNotFound),
    openapi_extra=_WRITES,
)
async def remove_cart_coupon(owner: CartOwnerDep, carts: CartServiceDep) -> None:
    """Take the coupon off the cart."""
    await carts.set_coupon(owner, None)
