"""`/api/v1/offers`: bundles."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.cache_groups import LISTS
from app.catalog.goods.deps import ItemReadsDep, limit_search
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import Seller
from app.sales.offers import queries
from app.sales.offers.deps import OfferServiceDep
from app.sales.offers.errors import OfferNotFound
from app.sales.offers.schemas import OfferFilter, OfferIn, OfferOut, OfferPatch

router = APIRouter(prefix="/api/v1/offers", tags=["offers"], route_class=IdempotentRoute)


@router.get("", summary="List bundles", response_model=Page[OfferOut], dependencies=[Depends(limit_search)])
async def list_offers(query: Annotated[OfferFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of bundles that are on sale and meet every filter, by name unless `sort` says otherwise."""
    read = partial(queries.list_offers, query=query, pager=pager)
    return await hot.answer(LISTS, read, keep=query.search is None)


@router.get(
    "/{offer_id}", summary="Read a bundle", response_model=OfferOut, responses=problems(OfferNotFound)
)
async def get_offer(offer_id: RowId, hot: ItemReadsDep) -> Response:
    """A bundle with its items, and how many of it they suffice for. Sends an ETag; understands If-None-Match."""
    return await hot.answer_item(LISTS, partial(queries.get_offer, offer_id=offer_id))


@router.post(
    "", status_code=201, summary="Offer a bundle", response_model=OfferOut, dependencies=[IDEMPOTENT]
)
async def create_offer(
    offer: OfferIn, seller: Seller, offers: OfferServiceDep, read_back: ReadBackDep
) -> Response:
    """Sell several items as one line at one price. It has no stock of its own: a sale takes that of each item."""
    offer_id = await offers.create(seller, offer)
    location = f"/api/v1/offers/{offer_id}"
    return await read_back(
        partial(queries.get_offer, offer_id=offer_id, viewer=seller), status=201, location=location
    )


@router.patch("/{offer_id}", summary="Change a bundle", response_model=OfferOut)
async def change_offer(
    offer_id: RowId,
    patch: OfferPatch,
    seller: Seller,
    precondition: PreconditionDep,
    offers: OfferServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; `items` replaces all of them. Orders keep what they have. Its owner or a moderator may."""
    await offers.change(seller, offer_id, precondition, patch)
    return await read_back(partial(queries.get_offer, offer_id=offer_id, viewer=seller))


@router.delete("/{offer_id}", status_code=204, summary="Delete a bundle")
async def delete_offer(
    offer_id: RowId, seller: Seller, precondition: PreconditionDep, offers: OfferServiceDep
) -> None:
    """Take a bundle out of the shop; its items stay. Its owner or a moderator may."""
    await offers.delete(seller, offer_id, precondition)
