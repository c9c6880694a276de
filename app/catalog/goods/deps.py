"""What routers of lists and of single items ask for."""

from functools import partial
from typing import Annotated, Protocol, TypeVar
from urllib.parse import parse_qs

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import Headers, State
from starlette.types import Scope

from app.catalog.goods.ownership import may_edit
from app.core.errors import AppError, RateLimited, refuses
from app.core.http.responses import HotReads, ReadResult, RepresentationResponse, has_credentials
from app.core.rate_limit import client_address, count_request
from app.identity.authentication.csrf import ACCESS_COOKIE, BrowserGuard
from app.identity.authentication.deps import find_caller
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.identity.tokens import TokenIssuer

_NOT_FOUND = 404
_Query = TypeVar("_Query", bound=BaseModel)


@refuses(RateLimited)
async def limit_search(request: Request) -> None:
    """Count a search of a caller who is not logged in against their address, beside the general limit. Raises RateLimited."""
    is_search = not request.query_params.keys().isdisjoint(("search", "q"))
    if not is_search or await find_caller(request) is not None:
        return
    await count_request(request, "search", client_address(request))


class ItemQuery(Protocol):
    """Reads one item as the viewer sees it; without one as everybody does."""

    async def __call__(
        self, connection: AsyncConnection, /, *, viewer: Principal | None = None
    ) -> ReadResult:
        """Read it."""
        ...


class ItemReads(HotReads):
    """Answers of a GET about one item."""

    async def answer_item(self, group: str, read: ItemQuery) -> Response:
        """Answer what everybody sees, through the cache; to who may edit the item what they see, which nobody keeps.

        What everybody sees is asked for first: it says whose the item is, and most who are logged in see no more.
        """
        if not has_credentials(self.request.scope):
            return await self.answer(group, read)
        viewer = await find_caller(self.request)
        if viewer is None:
            return await self.answer(group, read)
        try:
            public = await self.find(group, read)
        except AppError as refusal:
            if refusal.status != _NOT_FOUND:
                raise
            # To everybody else it does not exist.
            return await self.answer_private(partial(read, viewer=viewer))
        if public.owner_id is None or not may_edit(viewer, public.owner_id):
            return RepresentationResponse(public)
        return await self.answer_private(partial(read, viewer=viewer))


def sees_more(state: State, scope: Scope, owner_id: int) -> bool:
    """Tell by the credentials alone whether their bearer may turn out to be somebody who may edit.

    Asked for each answer out of the worker's cache, so without any I/O: a token tells whose it is and what it
    grants, of an API key nothing is known here. Who sends nothing valid gets what everybody gets.
    """
    headers = Headers(scope=scope)
    tokens: TokenIssuer = state.tokens
    browser: BrowserGuard = state.browser
    scheme, _, token = headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            if "x-api-key" in headers:
                return True
            token = browser.read_cookie(headers, ACCESS_COOKIE) or ""
        claims = tokens.read(token.strip())
    except AppError:
        return False
    return claims.user_id == owner_id or Permission.ITEMS_MODERATE in claims.scopes


def read_query(hot: HotReads, model: type[_Query]) -> _Query:
    """Read the query as the model has it; any other parameter is refused.

    Called by endpoints: a dependency would cost a cold read 3% of its time.
    """
    try:
        return model.model_validate(parse_qs(hot.query, keep_blank_values=True))
    except ValidationError as error:
        problems = [{**problem, "loc": ("query", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(problems) from None


async def get_item_reads(request: Request) -> ItemReads:
    """The reads of this request."""
    return ItemReads(request)


ItemReadsDep = Annotated[ItemReads, Depends(get_item_reads)]
