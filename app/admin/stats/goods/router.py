"""`/api/v1/admin/stats` of goods."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.admin.stats.criteria import StatsQuery
from app.admin.stats.goods import queries
from app.admin.stats.goods.schemas import BestsellerQuery, BestsellersOut, ReturnStatsOut, StockStatsOut
from app.core.http.responses import HotDep
from app.identity.authentication.deps import STATS_READER

router = APIRouter(prefix="/api/v1/admin/stats", tags=["admin"])


@router.get("/bestsellers", summary="Bestsellers", response_model=BestsellersOut, dependencies=[STATS_READER])
async def get_bestseller_statistics(
    query: Annotated[BestsellerQuery, Query()], request: Request, reads: HotDep
) -> Response:
    """What sold best in the period, by pieces or by revenue, in each currency, before anything came back.

    Beside it stands what all items sold, in each part of the period.
    """
    currency = request.app.state.settings.currency
    return await reads.answer_private(partial(queries.get_bestsellers, query=query, currency=currency))


@router.get("/stock", summary="Stock", response_model=StockStatsOut, dependencies=[STATS_READER])
async def get_stock_statistics(query: Annotated[StatsQuery, Query()], reads: HotDep) -> Response:
    """What lies in stock now and what it is worth, and what came and went in each part of the period.

    Dead is what was listed before the period and had no sale in it: ask for the last 180 days to see what
    nobody bought in half a year.
    """
    return await reads.answer_private(partial(queries.get_stock, query=query))


@router.get("/returns", summary="Returns", response_model=ReturnStatsOut, dependencies=[STATS_READER])
async def get_return_statistics(query: Annotated[StatsQuery, Query()], reads: HotDep) -> Response:
    """What buyers asked to send back in each part of the period, why, and what money went back."""
    return await reads.answer_private(partial(queries.get_returns, query=query))
