"""`/api/v1/admin/dashboard` and `/api/v1/admin/stats`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.admin.stats import queries
from app.admin.stats.criteria import StatsQuery
from app.admin.stats.schemas import AccountsOut, ConversionOut, Dashboard, SalesOut
from app.core.http.responses import HotDep
from app.identity.authentication.deps import STATS_READER

router = APIRouter(prefix="/api/v1/admin", tags=["admin"])


@router.get("/dashboard", summary="Read the dashboard", response_model=Dashboard, dependencies=[STATS_READER])
async def get_dashboard(request: Request, reads: HotDep) -> Response:
    """How many accounts there are, of which role, open or closed, how many were opened each day, and what was sold.

    Sales are those of `/admin/stats/sales`, today and in the last thirty days of the shop.
    """
    currency = request.app.state.settings.currency
    return await reads.answer_private(partial(queries.get_dashboard, currency=currency))


@router.get("/stats/sales", summary="Sales", response_model=SalesOut, dependencies=[STATS_READER])
async def get_sales_statistics(
    query: Annotated[StatsQuery, Query()], request: Request, reads: HotDep
) -> Response:
    """Orders paid and money given back, in each currency and each part of the period.

    The period is half-open and has the days of the time zone, 23 to 25 hours long. An order counts when it was
    paid and stays counted when it is called off; a refund counts when it was made.
    """
    currency = request.app.state.settings.currency
    return await reads.answer_private(partial(queries.get_sales, query=query, currency=currency))


@router.get(
    "/stats/conversion", summary="Conversion", response_model=ConversionOut, dependencies=[STATS_READER]
)
async def get_conversion_statistics(query: Annotated[StatsQuery, Query()], reads: HotDep) -> Response:
    """Carts, orders, payments begun and orders paid on the web, each counted when it happened.

    Carts that never became an order count by when they were last filled, also those of guests whose time is over.
    """
    return await reads.answer_private(partial(queries.get_conversion, query=query))


@router.get("/stats/accounts", summary="Accounts", response_model=AccountsOut, dependencies=[STATS_READER])
async def get_account_statistics(query: Annotated[StatsQuery, Query()], reads: HotDep) -> Response:
    """How many accounts were opened in each part of the period, and before it."""
    return await reads.answer_private(partial(queries.get_accounts, query=query))
