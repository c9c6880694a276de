"""`/api/v1/events/stream`, and the tickets that open streams."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import StreamingResponse

from app.identity.authentication.deps import SessionUser
from app.identity.sessions.deps import no_store
from app.messaging.realtime.access import find_channels
from app.messaging.realtime.channels import own_channel
from app.messaging.realtime.deps import TICKET, HubDep, ListenerDep, find_token_end
from app.messaging.realtime.schemas import StreamQuery, TicketOut
from app.messaging.realtime.sse import MEDIA_TYPE, EventStream
from app.messaging.realtime.tickets import LIFETIME, Ticket, issue_ticket

router = APIRouter(prefix="/api/v1", tags=["live"])
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=100,
        description="The `id` of the last event that you were told; browsers send it by themselves.",
    ),
]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events, until either side ends it.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/auth/stream-tickets",
    summary="Get a ticket for one stream",
    dependencies=[Depends(no_store)],
)
async def create_stream_ticket(request: Request, caller: SessionUser) -> TicketOut:
    """For what cannot send headers, as EventSource and WebSocket in browsers: opens one stream, as the query
    parameter `ticket`, within 30 seconds.
    """
    expires_at = await find_token_end(request)
    ticket = Ticket(
        caller.user_id, str(caller.session_id), frozenset(caller.permissions), int(expires_at or 0)
    )
    return TicketOut(ticket=await issue_ticket(request.app.state.redis, ticket), expires_in=LIFETIME)


@router.get(
    "/events/stream",
    summary="Hear of what happens, as it happens",
    response_class=StreamingResponse,
    responses=_STREAM,
    dependencies=[TICKET],
)
async def stream_events(
    request: Request,
    query: Annotated[StreamQuery, Query()],
    listener: ListenerDep,
    hub: HubDep,
    last_event_id: LastEventId = None,
) -> Response:
    """Server-sent events of the channels named: `items:{id}`, `orders:{number}`, `user:me`, and for staff
    `staff:orders` and `staff:stock`. The guide to messages says what is sent and how streams end.
    """
    names = query.channel or own_channel(listener.principal)
    channels = await find_channels(request.app.state.database, listener.principal, names)
    return EventStream(hub, listener, channels, last_event_id or query.last_event_id)
