"""`/api/v1/users/{user_id}` as anybody sees it, and `/api/v1/users/me/items`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.goods.deps import limit_search
from app.catalog.goods.representations import PartialItem
from app.catalog.goods.schemas import OwnItem
from app.catalog.items.queries import list_items
from app.catalog.items.schemas import ItemFilter, OwnItemFilter
from app.catalog.sellers import queries
from app.catalog.sellers.errors import UserNotFound
from app.catalog.sellers.schemas import PublicProfile
from app.core.db.paging import Page, PagerDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import CurrentUser
from app.identity.principal import profile_group

router = APIRouter(prefix="/api/v1/users")


@router.get(
    "/me/items",
    tags=["items"],
    summary="List one's own items",
    response_model=Page[OwnItem] | Page[PartialItem],
    dependencies=[Depends(limit_search)],
)
async def list_own_items(
    query: Annotated[OwnItemFilter, Query()], user: CurrentUser, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of what the caller lists, on sale and off, books among it; takes the filters and the order of `/items`."""
    owned = ItemFilter.model_validate({**query.model_dump(), "owner_id": user.user_id})
    return await hot.answer_private(partial(list_items, query=owned, pager=pager, is_unhidden=True))


@router.get(
    "/{user_id}",
    tags=["accounts"],
    summary="Read a public profile",
    response_model=PublicProfile,
    responses=problems(UserNotFound),
)
async def get_public_profile(user_id: RowId, hot: HotDep) -> Response:
    """Who sells here: the user name, since when, and how many items. A closed account has no profile."""
    return await hot.answer(profile_group(user_id), partial(queries.get_public_profile, user_id=user_id))
