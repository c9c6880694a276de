"""`/api/v1/till`."""

from functools import partial

from fastapi import APIRouter, Response

from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.identity.authentication.deps import TILL_SELLER, TillSeller
from app.sales.cart.deps import Currency
from app.sales.checkout.errors import OrderTooLarge, PriceChanged
from app.sales.discounts.errors import DiscountExhausted
from app.sales.errors import OrderNotFound
from app.sales.orders.errors import NotYetOnSale
from app.sales.orders.schemas import OrderNumber
from app.sales.scanning.errors import CodeNotFound
from app.sales.till import queries
from app.sales.till.deps import TillServiceDep
from app.sales.till.schemas import SaleIn, SaleOut, ScanIn, ScanOut

router = APIRouter(prefix="/api/v1/till", tags=["till"], route_class=IdempotentRoute)


@router.post(
    "/scan",
    summary="Find what was scanned",
    response_model=ScanOut,
    responses=problems(CodeNotFound),
    dependencies=[TILL_SELLER],
)
async def scan_code(scanned: ScanIn, currency: Currency, hot: HotDep) -> Response:
    """Find an item by its ISBN in any form, by an EAN-13 with or without its add-on, by its SKU or by its label."""
    return await hot.answer_private(partial(queries.scan, code=scanned.code, currency=currency))


@router.post(
    "/sales",
    status_code=201,
    summary="Sell at the counter",
    response_model=SaleOut,
    responses=problems(CodeNotFound, OrderTooLarge, PriceChanged, DiscountExhausted, NotYetOnSale),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def sell_at_till(
    sale: SaleIn, cashier: TillSeller, till: TillServiceDep, read_back: ReadBackDep
) -> Response:
    """Sell all of it or nothing: the goods leave the stock and the order is paid and delivered at once.

    Prices are today's with the tax of the place where the shop is. Needs an `Idempotency-Key`: however often it is
    sent, it is sold once.
    """
    number = await till.sell(cashier, sale)
    location = f"/api/v1/till/sales/{number}"
    return await read_back(partial(queries.get_sale, number=number), status=201, location=location)


@router.get(
    "/sales/{number}",
    summary="Read a sale at the counter",
    response_model=SaleOut,
    responses=problems(OrderNotFound),
    dependencies=[TILL_SELLER],
)
async def get_till_sale(number: OrderNumber, hot: HotDep) -> Response:
    """What was sold and how it was paid, as for the receipt."""
    return await hot.answer_private(partial(queries.get_sale, number=number))
