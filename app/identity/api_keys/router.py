"""`/api/v1/api-keys`: one's own keys for programs. A key cannot make or manage keys."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep
from app.core.http.schemas import RowId
from app.identity.api_keys import queries
from app.identity.api_keys.errors import ApiKeyNotFound, ApiKeyReplaced, ApiKeyTooLong, TooManyApiKeys
from app.identity.api_keys.schemas import ApiKeyCreated, ApiKeyFilter, ApiKeyIn, ApiKeyOut, ApiKeyRotation
from app.identity.api_keys.service import ApiKeyService
from app.identity.authentication.deps import FreshUser, SessionUser
from app.identity.errors import InsufficientScope

router = APIRouter(prefix="/api/v1/api-keys", tags=["api-keys"], route_class=IdempotentRoute)


async def get_api_key_service(session: SessionDep) -> ApiKeyService:
    """API keys on the request's transaction."""
    return ApiKeyService.build(session)


ApiKeyServiceDep = Annotated[ApiKeyService, Depends(get_api_key_service, scope="function")]


@router.get("", summary="List one's keys", response_model=Page[ApiKeyOut])
async def list_api_keys(
    query: Annotated[ApiKeyFilter, Query()], owner: SessionUser, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of one's own keys, expired ones too; a revoked key is gone."""
    return await hot.answer_private(
        partial(queries.list_api_keys, owner_id=owner.user_id, query=query, pager=pager)
    )


@router.post(
    "",
    status_code=201,
    summary="Make a key",
    responses=problems(InsufficientScope, ApiKeyTooLong, TooManyApiKeys),
    dependencies=[IDEMPOTENT],
)
async def create_api_key(
    key: ApiKeyIn, owner: FreshUser, keys: ApiKeyServiceDep, response: Response
) -> ApiKeyCreated:
    """Make a key for a program, which sends it as `X-API-Key`. Only this answer shows `api_key`.

    A scope that one does not hold oneself is refused, naming it. Later the key may do what
    both its scopes and its owner's role allow, but never `users:manage`, `roles:assign`, `audit:read` and
    `tokens:introspect`: those need a login. A key of staff (any role above `user`) lasts at most 90 days.
    """
    return _shown_once(await keys.create(owner, key), response)


@router.post(
    "/generate",
    status_code=201,
    summary="Make the default key",
    responses=problems(TooManyApiKeys),
    dependencies=[IDEMPOTENT],
)
async def generate_api_key(owner: FreshUser, keys: ApiKeyServiceDep, response: Response) -> ApiKeyCreated:
    """The short form for whoever needs one key: called `default`, with all of one's permissions, from
    anywhere, for ever; one of staff (any role above `user`) for 90 days. An earlier default key ends at once;
    other keys stay.
    """
    return _shown_once(await keys.generate(owner), response)


@router.delete(
    "/revoke", status_code=204, summary="Revoke the default key", responses=problems(ApiKeyNotFound)
)
async def revoke_default_api_key(owner: SessionUser, keys: ApiKeyServiceDep) -> None:
    """End the key that `/generate` made, and one it replaced by rotation; other keys stay."""
    await keys.revoke_default(owner)


@router.get(
    "/{key_id}", summary="Read one's key", response_model=ApiKeyOut, responses=problems(ApiKeyNotFound)
)
async def get_api_key(key_id: RowId, owner: SessionUser, hot: HotDep) -> Response:
    """One of one's own keys, without the key itself."""
    return await hot.answer_private(partial(queries.get_api_key, owner_id=owner.user_id, key_id=key_id))


@router.delete("/{key_id}", status_code=204, summary="Revoke a key", responses=problems(ApiKeyNotFound))
async def revoke_api_key(key_id: RowId, owner: SessionUser, keys: ApiKeyServiceDep) -> None:
    """End one of one's own keys; it stops working at once."""
    await keys.revoke(owner, key_id)


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    summary="Replace a key",
    responses=problems(ApiKeyNotFound, ApiKeyReplaced, InsufficientScope, TooManyApiKeys),
    dependencies=[IDEMPOTENT],
)
async def rotate_api_key(
    key_id: RowId,
    owner: FreshUser,
    keys: ApiKeyServiceDep,
    response: Response,
    rotation: ApiKeyRotation | None = None,
) -> ApiKeyCreated:
    """Make a key with the same name, addresses, scopes and length of life; the old one still works for
    `overlap_seconds`, a day unless said otherwise. A key is replaced once.
    """
    overlap = (rotation or ApiKeyRotation()).overlap_seconds
    return _shown_once(await keys.rotate(owner, key_id, overlap), response)


def _shown_once(created: ApiKeyCreated, response: Response) -> ApiKeyCreated:
    response.headers["Location"] = f"/api/v1/api-keys/{created.id}"
    response.headers["Cache-Control"] = "no-store"
    return created
