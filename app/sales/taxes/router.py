"""`/api/v1/admin/tax-rates`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import SHOP_MANAGER
from app.sales.taxes import queries
from app.sales.taxes.deps import TaxRateServiceDep
from app.sales.taxes.errors import TaxRateNotFound
from app.sales.taxes.schemas import TaxRateFilter, TaxRateIn, TaxRateOut, TaxRatePatch

router = APIRouter(prefix="/api/v1/admin/tax-rates", tags=["shop"], route_class=IdempotentRoute)


@router.get("", summary="List tax rates", response_model=Page[TaxRateOut], dependencies=[SHOP_MANAGER])
async def list_tax_rates(query: Annotated[TaxRateFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of rates by country, a country's own before those of its states."""
    return await hot.answer_private(partial(queries.list_tax_rates, query=query, pager=pager))


@router.post(
    "",
    status_code=201,
    summary="Add a tax rate",
    response_model=TaxRateOut,
    dependencies=[SHOP_MANAGER, IDEMPOTENT],
)
async def create_tax_rate(rate: TaxRateIn, rates: TaxRateServiceDep, read_back: ReadBackDep) -> Response:
    """Tax a class of goods in a country or one of its states, whose rate goes before the country's.

    Of a place and a class one rate is in force on a day. What has no rate is not taxed. A fresh shop has the
    rates of most countries of Europe, and none of the United States.
    """
    rate_id = await rates.create(rate)
    location = f"/api/v1/admin/tax-rates/{rate_id}"
    return await read_back(partial(queries.get_tax_rate, rate_id=rate_id), status=201, location=location)


@router.get(
    "/{rate_id}",
    summary="Read a tax rate",
    response_model=TaxRateOut,
    dependencies=[SHOP_MANAGER],
    responses=problems(TaxRateNotFound),
)
async def get_tax_rate(rate_id: RowId, hot: HotDep) -> Response:
    """A rate and its days. Sends an ETag for `If-Match`."""
    return await hot.answer_private(partial(queries.get_tax_rate, rate_id=rate_id))


@router.patch(
    "/{rate_id}", summary="Change a tax rate", response_model=TaxRateOut, dependencies=[SHOP_MANAGER]
)
async def change_tax_rate(
    rate_id: RowId,
    patch: TaxRatePatch,
    precondition: PreconditionDep,
    rates: TaxRateServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. Where a rate changes by law, end the old one and add the new one."""
    await rates.change(rate_id, precondition, patch)
    return await read_back(partial(queries.get_tax_rate, rate_id=rate_id))


@router.delete("/{rate_id}", status_code=204, summary="Delete a tax rate", dependencies=[SHOP_MANAGER])
async def delete_tax_rate(rate_id: RowId, precondition: PreconditionDep, rates: TaxRateServiceDep) -> None:
    """Delete a rate. Orders keep the rates that they were made with."""
    await rates.delete(rate_id, precondition)
