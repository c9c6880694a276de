"""`/api/v1/inventory/labels.pdf` and `/api/v1/orders/{number}/pick-list.pdf`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from app.catalog.goods.errors import ItemNotFound
from app.core.http.problems import problems
from app.core.http.responses import PRIVATE
from app.core.http.schemas import RowId
from app.identity.authentication.deps import INVENTORY_READER, ORDER_MANAGER
from app.sales.errors import OrderNotFound
from app.sales.orders.schemas import OrderNumber
from app.sales.warehouse import queries
from app.sales.warehouse.printing import print_labels, print_pick_list

router = APIRouter(prefix="/api/v1")

_PDF: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The PDF.",
        "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
    }
}
MOST_LABELS = 240


class LabelQuery(BaseModel):
    """Which labels."""

    model_config = ConfigDict(extra="forbid")

    item_id: Annotated[list[RowId], Field(min_length=1, max_length=MOST_LABELS)] = Field(
        description="An item; several, and the same one again, for several labels.", examples=[[42, 42, 43]]
    )


@router.get(
    "/inventory/labels.pdf",
    tags=["inventory"],
    summary="Print labels",
    response_class=Response,
    responses={**_PDF, **problems(ItemNotFound)},
    dependencies=[INVENTORY_READER],
)
async def print_item_labels(request: Request, query: Annotated[LabelQuery, Query()]) -> Response:
    """Labels of 70 by 37 mm, 24 on a page of A4: title, price and an EAN-13 bar code.

    A book's code is its ISBN; what has none gets a number of the shop's own, which begins with 2.
    """
    async with request.app.state.database.reading() as connection:
        items = await queries.list_labelled(connection, query.item_id)
    return _pdf(await print_labels(items), "labels")


@router.get(
    "/orders/{number}/pick-list.pdf",
    tags=["orders"],
    summary="Print an order's pick list",
    response_class=Response,
    responses={**_PDF, **problems(OrderNotFound)},
    dependencies=[ORDER_MANAGER],
)
async def print_order_pick_list(request: Request, number: OrderNumber) -> Response:
    """What of the order is still to be packed, bundles by their parts, and where it goes."""
    async with request.app.state.database.reading() as connection:
        order, parts = await queries.get_picked(connection, number)
    return _pdf(await print_pick_list(order, parts), number)


def _pdf(content: bytes, name: str) -> Response:
    headers = {"Cache-Control": PRIVATE, "Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, media_type="application/pdf", headers=headers)
