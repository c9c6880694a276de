"""`/api/v1/books/facets`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.cache_groups import LISTS
from app.catalog.goods.deps import limit_search
from app.catalog.index.criteria import BookCriteria
from app.catalog.search.facets.queries import get_facets
from app.catalog.search.facets.schemas import FacetsOut
from app.core.http.responses import HotDep

router = APIRouter(prefix="/api/v1/books", tags=["books"])


@router.get(
    "/facets",
    summary="Count books by what they have in common",
    response_model=FacetsOut,
    dependencies=[Depends(limit_search)],
)
async def get_book_facets(query: Annotated[BookCriteria, Query()], hot: HotDep) -> Response:
    """The books of a list by language, format, category, author, series, decade, price, stock and rating.

    Takes the filters of `/books`. Each facet leaves its own filter out of account and honours all others;
    a value is what to send as the filter of the facet's name, repeated for any of several. At most 50
    values are shown, the most frequent first; `other_count` is the sum of the rest. Counts are exact up
    to 10,000 books; beyond, `is_estimate` is true and they come from a sample of as many.
    """
    return await hot.answer(LISTS, partial(get_facets, query=query), keep=query.search is None)
