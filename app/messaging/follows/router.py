"""`/api/v1/users/me/follows`: authors, series and sellers whose new items one wants to hear of; and no more mails of it."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.authors.errors import AuthorNotFound
from app.catalog.sellers.errors import UserNotFound
from app.catalog.series.errors import SeriesNotFound
from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import ProfileEditor, ProfileReader
from app.messaging.email.deps import leaving
from app.messaging.email.lists import MailList
from app.messaging.follows import queries
from app.messaging.follows.errors import FollowNotFound, TooManyFollows
from app.messaging.follows.schemas import FollowFilter, FollowOut
from app.messaging.follows.service import FollowService
from app.messaging.follows.targets import FollowTarget

router = APIRouter(prefix="/api/v1", tags=["notifications"])


async def get_follow_service(session: SessionDep) -> FollowService:
    """Follows on the request's transaction."""
    return FollowService.build(session)


FollowServiceDep = Annotated[FollowService, Depends(get_follow_service, scope="function")]
LeavingReader = Annotated[int, Depends(leaving(MailList.FOLLOWS))]


@router.get("/users/me/follows", summary="List what one follows", response_model=Page[FollowOut])
async def list_follows(
    query: Annotated[FollowFilter, Query()], owner: ProfileReader, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the authors, series and sellers that one follows, the latest first."""
    return await hot.answer_private(
        partial(queries.list_follows, user_id=owner.user_id, query=query, pager=pager)
    )


@router.put(
    "/users/me/follows/{target}/{target_id}",
    summary="Follow an author, a series or a seller",
    response_model=FollowOut,
    responses=problems(AuthorNotFound, SeriesNotFound, UserNotFound, TooManyFollows),
)
async def follow(
    target: FollowTarget,
    target_id: RowId,
    owner: ProfileEditor,
    follows: FollowServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Hear of what becomes visible by them from now on: in the shop, by push and by mail, as one chose for `news`.

    What is new is told once, once an hour in one message. Of an author who was merged into another one, that one
    is followed. At most 1,000 are followed.
    """
    followed = await follows.follow(owner.user_id, target, target_id)
    read = partial(queries.get_follow, user_id=owner.user_id, target=target, target_id=followed)
    return await read_back(read)


@router.delete(
    "/users/me/follows/{target}/{target_id}",
    status_code=204,
    summary="Follow no more",
    responses=problems(FollowNotFound),
)
async def unfollow(
    target: FollowTarget, target_id: RowId, owner: ProfileEditor, follows: FollowServiceDep
) -> None:
    """Hear no more of it."""
    await follows.unfollow(owner.user_id, target, target_id)


@router.post("/follows/unsubscribe", status_code=204, summary="End mails about news by one click")
async def unsubscribe_from_follows(user_id: LeavingReader, follows: FollowServiceDep) -> None:
    """What `List-Unsubscribe` of each digest names (RFC 8058): no login and no cookies, whatever the body is.

    The account's mails of the category `news` are off, as by its preferences, which put them on again; what it
    follows stays. The second time nothing changes, and GET shows a page that asks.
    """
    await follows.end_mails(user_id)
