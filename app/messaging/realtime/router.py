"""`/api/v1/events/stream`, and the tickets that open streams."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.responses import StreamingResponse
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from app.identity.authentication.deps import SessionUser
from app.identity.sessions.deps import no_store
from app.messaging.realtime.access import find_channels
from app.messaging.realtime.channels import own_channel
from app.messaging.realtime.deps import TICKET, HubDep, ListenerDep, admit_socket, find_token_end
from app.messaging.realtime.hub import Hub
from app.messaging.realtime.schemas import OrderStreamQuery, StreamQuery, TicketOut
from app.messaging.realtime.sockets import SOCKET_PATH, serve_socket
from app.messaging.realtime.sse import MEDIA_TYPE, EventStream
from app.messaging.realtime.tickets import LIFETIME, Ticket, issue_ticket
from app.sales.orders.schemas import OrderNumber

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


@router.get(
    "/orders/{number}/events",
    summary="Hear what becomes of an order",
    response_class=StreamingResponse,
    responses=_STREAM,
    dependencies=[TICKET],
)
async def stream_order(
    number: OrderNumber,
    request: Request,
    query: Annotated[OrderStreamQuery, Query()],
    listener: ListenerDep,
    hub: HubDep,
    last_event_id: LastEventId = None,
) -> Response:
    """As `GET /events/stream`, of the channel `orders:{number}`: one's own order, or for staff anybody's."""
    channels = await find_channels(request.app.state.database, listener.principal, [f"orders:{number}"])
    return EventStream(hub, listener, channels, last_event_id or query.last_event_id)


class SocketEndpoint:
    """A WebSocket under a name of the client's choice, by which others see it; the guide to messages has its protocol."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accept it or refuse it, and talk until either side ends it."""
        hub: Hub = scope["app"].state.streams
        admit = partial(admit_socket, client_id=scope["path_params"]["client_id"])
        await serve_socket(hub, admit, scope, receive, send)


# Not FastAPI's: what it keeps for each would be most of what an idle one takes.
router.routes.append(WebSocketRoute(SOCKET_PATH, SocketEndpoint(), name="open_socket"))
