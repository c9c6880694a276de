"""`/api/v1/items`: sellable units of every kind, books among them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.deps import ItemReadsDep, limit_search, read_query
from app.catalog.goods.errors import ItemNotFound
from app.catalog.goods.pictures import listing_form
from app.catalog.goods.representations import ITEM_VIEW_PARAMETERS, ItemViewQuery, PartialItem
from app.catalog.goods.schemas import ItemOut, OwnItem
from app.catalog.items import queries
from app.catalog.items.deps import ItemServiceDep
from app.catalog.items.schemas import ItemFilter, ItemIn, ItemPatch
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import Seller, documented_permission, require_permission
from app.identity.permissions import Permission

router = APIRouter(prefix="/api/v1/items", tags=["items"], route_class=IdempotentRoute)


@router.get(
    "",
    summary="List items",
    response_model=Page[ItemOut] | Page[OwnItem] | Page[PartialItem],
    dependencies=[Depends(limit_search)],
    openapi_extra=documented_permission(Permission.ITEMS_MODERATE),
)
async def list_items(
    query: Annotated[ItemFilter, Query()], pager: PagerDep, hot: HotDep, request: Request
) -> Response:
    """A page of items of every kind that meet every filter, by title unless `sort` says otherwise.

    With `is_active`, which is for moderators, as their owners see them: `false` shows what is off sale.
    """
    if query.is_active is not None:
        await require_permission(request, Permission.ITEMS_MODERATE)
        read = partial(queries.list_items, query=query, pager=pager, is_unhidden=True)
        return await hot.answer_private(read)
    read = partial(queries.list_items, query=query, pager=pager)
    return await hot.answer(LISTS, read, keep=query.search is None)


@router.get(
    "/{item_id}",
    summary="Read an item",
    response_model=ItemOut | OwnItem | PartialItem,
    responses=problems(ItemNotFound),
    openapi_extra=ITEM_VIEW_PARAMETERS,
)
async def get_item(item_id: RowId, hot: ItemReadsDep) -> Response:
    """An item with its stock. Sends an ETag; understands If-None-Match.

    Its owner and moderators, with their credentials, see more, and also what is off sale.
    """
    fields = read_query(hot, ItemViewQuery).fields if hot.query else None
    read = partial(queries.get_item, item_id=item_id, fields=fields)
    return await hot.answer_item(ITEM.format(item_id), read)


@router.post(
    "",
    status_code=201,
    summary="List an item for sale",
    response_model=OwnItem,
    dependencies=[IDEMPOTENT],
    openapi_extra=listing_form(ItemIn),
)
async def create_item(
    item: ItemIn, seller: Seller, items: ItemServiceDep, read_back: ReadBackDep
) -> Response:
    """Add an item of one's own. With `author` or `isbn`, or `kind=book`, it is a book.

    Sent as a form, it comes with up to six pictures.
    """
    item_id = await items.create(seller, item)
    location = f"/api/v1/items/{item_id}"
    return await read_back(
        partial(queries.get_item, item_id=item_id, viewer=seller), status=201, location=location
    )


@router.put("/{item_id}", summary="Replace an item", response_model=OwnItem)
async def replace_item(
    item_id: RowId,
    item: ItemIn,
    seller: Seller,
    precondition: PreconditionDep,
    items: ItemServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field that items have; what is left out becomes empty. Its owner or a moderator may."""
    await items.replace(seller, item_id, precondition, item)
    return await read_back(partial(queries.get_item, item_id=item_id, viewer=seller))


@router.patch("/{item_id}", summary="Change an item", response_model=OwnItem)
async def change_item(
    item_id: RowId,
    patch: ItemPatch,
    seller: Seller,
    precondition: PreconditionDep,
    items: ItemServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; null empties a field that may be empty. Its owner or a moderator may."""
    await items.change(seller, item_id, precondition, patch)
    return await read_back(partial(queries.get_item, item_id=item_id, viewer=seller))


@router.delete("/{item_id}", status_code=204, summary="Delete an item")
async def delete_item(
    item_id: RowId, seller: Seller, precondition: PreconditionDep, items: ItemServiceDep
) -> None:
    """Take an item out of the catalogue. Its owner or a moderator may."""
    await items.delete(seller, item_id, precondition)
