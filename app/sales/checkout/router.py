"""`/api/v1/checkout` and `/api/v1/purchase`."""

from functools import partial

from fastapi import APIRouter, Request, Response

from app.catalog.goods.errors import ItemNotFound
from app.core.errors import RateLimited
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, written
from app.identity.authentication.deps import Buyer, documented_permission
from app.identity.permissions import Permission
from app.sales.addresses.errors import AddressNotFound
from app.sales.cart.deps import CartOwnerDep, count_coupon
from app.sales.cart.errors import CouponNotValid
from app.sales.checkout.deps import CheckoutServiceDep, TermsDep
from app.sales.checkout.errors import (
    CartEmpty,
    NotShippedThere,
    OrderTooLarge,
    PriceChanged,
    UnknownShippingOption,
)
from app.sales.checkout.schemas import CheckoutIn, PurchaseIn, QuoteIn, QuoteOut
from app.sales.checkout.service import read_quote
from app.sales.discounts.errors import DiscountExhausted
from app.sales.orders.schemas import OrderOut

router = APIRouter(prefix="/api/v1", tags=["checkout"], route_class=IdempotentRoute)


@router.post(
    "/checkout/quote",
    summary="Ask what the cart costs",
    response_model=QuoteOut,
    responses=problems(CartEmpty, OrderTooLarge, NotShippedThere, UnknownShippingOption, RateLimited),
    openapi_extra=documented_permission(Permission.ORDERS_WRITE, "POST"),
)
async def quote_checkout(quote: QuoteIn, owner: CartOwnerDep, terms: TermsDep, hot: HotDep) -> Response:
    """What the cart costs at that address: shipping options, discounts, tax and total. It sets nothing apart.

    Guests ask with `X-Cart-Token`. Why a coupon does not count is told in `explain`.
    """
    await count_coupon(hot.request, quote.coupon)
    return await hot.answer_private(partial(read_quote, owner=owner, wanted=quote, terms=terms))


@router.post(
    "/checkout",
    status_code=201,
    summary="Buy what is in the cart",
    response_model=OrderOut,
    responses=problems(
        CartEmpty, AddressNotFound, PriceChanged, CouponNotValid, DiscountExhausted, RateLimited
    ),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def check_out(
    request: Request, checkout: CheckoutIn, buyer: Buyer, checkouts: CheckoutServiceDep
) -> Response:
    """Make an order of the cart, all of it or nothing: stock is set apart, discounts are used, the cart is empty then.

    Needs an `Idempotency-Key`: however often it is sent, there is one order. Pay at `/orders/{number}/payments`
    before `expires_at`; what is not paid by then is called off.
    """
    await count_coupon(request, checkout.coupon)
    bought = await checkouts.check_out(buyer, checkout)
    return written(bought.order, status=201, location=f"/api/v1/orders/{bought.number}")


@router.post(
    "/purchase",
    status_code=201,
    summary="Buy one item at once",
    response_model=OrderOut,
    responses=problems(ItemNotFound),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def purchase_item(purchase: PurchaseIn, buyer: Buyer, checkouts: CheckoutServiceDep) -> Response:
    """Cart, checkout and order of one line in one call, at today's price; the cart stays as it is.

    Needs an `Idempotency-Key`.
    """
    bought = await checkouts.purchase(buyer, purchase)
    return written(bought.order, status=201, location=f"/api/v1/orders/{bought.number}")
