"""`/api/v1/discounts`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import DISCOUNT_MANAGER
from app.sales.discounts import queries
from app.sales.discounts.deps import DiscountServiceDep
from app.sales.discounts.errors import DiscountNotFound
from app.sales.discounts.schemas import DiscountFilter, DiscountIn, DiscountOut, DiscountPatch

router = APIRouter(prefix="/api/v1/discounts", tags=["discounts"], route_class=IdempotentRoute)


@router.get("", summary="List discounts", response_model=Page[DiscountOut], dependencies=[DISCOUNT_MANAGER])
async def list_discounts(query: Annotated[DiscountFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of discounts, the newest first unless `sort` says otherwise, with how many orders have each."""
    return await hot.answer_private(partial(queries.list_discounts, query=query, pager=pager))


@router.get(
    "/{discount_id}",
    summary="Read a discount",
    response_model=DiscountOut,
    dependencies=[DISCOUNT_MANAGER],
    responses=problems(DiscountNotFound),
)
async def get_discount(discount_id: RowId, hot: HotDep) -> Response:
    """A discount and how many orders have it. Sends an ETag for `If-Match`."""
    return await hot.answer_private(partial(queries.get_discount, discount_id=discount_id))


@router.post(
    "",
    status_code=201,
    summary="Add a discount",
    response_model=DiscountOut,
    dependencies=[DISCOUNT_MANAGER, IDEMPOTENT],
)
async def create_discount(
    discount: DiscountIn, discounts: DiscountServiceDep, read_back: ReadBackDep
) -> Response:
    """Add a rule: with `code` for whoever sends it, without for every order. What has a fixed price it leaves out.

    A percentage is of what it is for, spread over those lines to the cent.
    """
    discount_id = await discounts.create(discount)
    location = f"/api/v1/discounts/{discount_id}"
    return await read_back(
        partial(queries.get_discount, discount_id=discount_id), status=201, location=location
    )


@router.put(
    "/{discount_id}",
    summary="Replace a discount",
    response_model=DiscountOut,
    dependencies=[DISCOUNT_MANAGER],
)
async def replace_discount(
    discount_id: RowId,
    discount: DiscountIn,
    precondition: PreconditionDep,
    discounts: DiscountServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field; without `starts_at` it starts now. Orders keep what they have."""
    await discounts.change(discount_id, precondition, discount)
    return await read_back(partial(queries.get_discount, discount_id=discount_id))


@router.patch(
    "/{discount_id}",
    summary="Change a discount",
    response_model=DiscountOut,
    dependencies=[DISCOUNT_MANAGER],
)
async def change_discount(
    discount_id: RowId,
    patch: DiscountPatch,
    precondition: PreconditionDep,
    discounts: DiscountServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. Orders keep what they have; a limit below what is used ends it."""
    await discounts.change(discount_id, precondition, patch)
    return await read_back(partial(queries.get_discount, discount_id=discount_id))


@router.delete(
    "/{discount_id}",
    status_code=204,
    summary="Delete or end a discount",
    dependencies=[DISCOUNT_MANAGER],
)
async def delete_discount(
    discount_id: RowId, precondition: PreconditionDep, discounts: DiscountServiceDep
) -> None:
    """Delete a discount that no order ever had. Any other ends at once, and stays to be looked up, inactive."""
    await discounts.delete(discount_id, precondition)
