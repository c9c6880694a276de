"""`/api/v1/events`: the feed of the last 30 days, for whoever cannot be called."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.transaction import ReadSessionDep
from app.core.http.problems import problems
from app.core.http.responses import PRIVATE
from app.identity.authentication.deps import ProfileReader
from app.messaging.access import heard_by
from app.messaging.feed import queries
from app.messaging.feed.errors import EventsExpired
from app.messaging.feed.schemas import FeedOut, FeedQuery

router = APIRouter(prefix="/api/v1/events", tags=["webhooks"])


@router.get("", summary="Read what happened", responses=problems(EventsExpired))
async def list_events(
    query: Annotated[FeedQuery, Query()], caller: ProfileReader, session: ReadSessionDep, response: Response
) -> FeedOut:
    """Events in their one order: public ones and one's own, the same as webhooks send, kept for 30 days.

    Keep `next_after` and send it the next time. There is no event that appears later before a place that was read.
    """
    response.headers["Cache-Control"] = PRIVATE
    return await queries.read_events(session, query, heard_by(caller, all_accounts=query.all_accounts))
