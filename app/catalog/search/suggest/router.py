"""`/api/v1/suggest`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.cache_groups import LISTS
from app.catalog.search.suggest.queries import get_suggestions
from app.catalog.search.suggest.schemas import Suggestions, SuggestQuery
from app.core.http.responses import HotDep
from app.core.rate_limit import rate_limited

router = APIRouter(prefix="/api/v1/suggest", tags=["search"])


@router.get(
    "",
    summary="Suggest while typing",
    response_model=Suggestions,
    dependencies=[Depends(rate_limited("suggest"))],
)
async def suggest(query: Annotated[SuggestQuery, Query()], hot: HotDep) -> Response:
    """At most ten books, authors, series and categories that begin with the text or have such a word.

    Exact names come first, and corrected spelling last. Case, accents and punctuation do not count.
    The first character typed, or none, is answered with an empty list.
    """
    return await hot.answer(LISTS, partial(get_suggestions, typed=query.q), keep=False)
