"""`/api/v1/admin/shipping-methods`."""

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
from app.sales.shipping import queries
from app.sales.shipping.deps import ShippingMethodServiceDep
from app.sales.shipping.errors import ShippingMethodNotFound
from app.sales.shipping.schemas import (
    ShippingMethodFilter,
    ShippingMethodIn,
    ShippingMethodOut,
    ShippingMethodPatch,
)

router = APIRouter(prefix="/api/v1/admin/shipping-methods", tags=["shop"], route_class=IdempotentRoute)


@router.get(
    "", summary="List shipping methods", response_model=Page[ShippingMethodOut], dependencies=[SHOP_MANAGER]
)
async def list_shipping_methods(
    query: Annotated[ShippingMethodFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of methods by code, with those that are not offered."""
    return await hot.answer_private(partial(queries.list_methods, query=query, pager=pager))


@router.post(
    "",
    status_code=201,
    summary="Add a shipping method",
    response_model=ShippingMethodOut,
    dependencies=[SHOP_MANAGER, IDEMPOTENT],
)
async def create_shipping_method(
    method: ShippingMethodIn, methods: ShippingMethodServiceDep, read_back: ReadBackDep
) -> Response:
    """Offer another way to send orders; checkout quotes it at once where it goes.

    A fresh shop has `standard`, `express` and `pickup`.
    """
    method_id = await methods.create(method)
    location = f"/api/v1/admin/shipping-methods/{method_id}"
    return await read_back(partial(queries.get_method, method_id=method_id), status=201, location=location)


@router.get(
    "/{method_id}",
    summary="Read a shipping method",
    response_model=ShippingMethodOut,
    dependencies=[SHOP_MANAGER],
    responses=problems(ShippingMethodNotFound),
)
async def get_shipping_method(method_id: RowId, hot: HotDep) -> Response:
    """A method with its bands. Sends an ETag for `If-Match`."""
    return await hot.answer_private(partial(queries.get_method, method_id=method_id))


@router.put(
    "/{method_id}",
    summary="Replace a shipping method",
    response_model=ShippingMethodOut,
    dependencies=[SHOP_MANAGER],
)
async def replace_shipping_method(
    method_id: RowId,
    method: ShippingMethodIn,
    precondition: PreconditionDep,
    methods: ShippingMethodServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field; what is left out gets its default."""
    await methods.change(method_id, precondition, method)
    return await read_back(partial(queries.get_method, method_id=method_id))


@router.patch(
    "/{method_id}",
    summary="Change a shipping method",
    response_model=ShippingMethodOut,
    dependencies=[SHOP_MANAGER],
)
async def change_shipping_method(
    method_id: RowId,
    patch: ShippingMethodPatch,
    precondition: PreconditionDep,
    methods: ShippingMethodServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; `bands` are replaced as a whole. `is_active` false takes it off offer."""
    await methods.change(method_id, precondition, patch)
    return await read_back(partial(queries.get_method, method_id=method_id))


@router.delete(
    "/{method_id}", status_code=204, summary="Delete a shipping method", dependencies=[SHOP_MANAGER]
)
async def delete_shipping_method(
    method_id: RowId, precondition: PreconditionDep, methods: ShippingMethodServiceDep
) -> None:
    """Delete a method. Orders keep what they were made with."""
    await methods.delete(method_id, precondition)
