"""Who opens a stream: by header, by cookie from a page of ours, or by ticket."""

import asyncio
import re
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import SecurityScopes

from app.core.clock import utc_now
from app.core.errors import refuses
from app.identity.authentication.credentials import bearer_scheme, cookie_scheme, remember_outcome
from app.identity.authentication.csrf import BrowserGuard
from app.identity.authentication.deps import CurrentUser, get_principal
from app.identity.authentication.principals import principal_of_claims
from app.identity.errors import CHALLENGE, CsrfRefused, InvalidToken
from app.identity.principal import Principal
from app.identity.tokens import AccessClaims, TokenIssuer
from app.messaging.realtime.access import find_channels
from app.messaging.realtime.errors import ChannelNotFound, InvalidTicket, StreamsFull, TooManyStreams
from app.messaging.realtime.hub import Hub
from app.messaging.realtime.schemas import StreamQuery
from app.messaging.realtime.sockets import Opening
from app.messaging.realtime.stream import Listener
from app.messaging.realtime.tickets import take_ticket

_CLIENT_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")
_TICKET = "stream_ticket_expires_at"


@refuses(InvalidTicket, InvalidToken)
async def use_ticket(request: Request) -> None:
    """Let the ticket in the query, if there is one, count as who calls. Raises InvalidTicket, InvalidToken."""
    text = request.query_params.get("ticket")
    if text is None:
        return
    state = request.app.state
    ticket = await take_ticket(state.redis, text)
    if ticket is None:
        raise InvalidTicket(
            "This ticket is unknown, too old or was used; ask for another.", headers=CHALLENGE
        )
    claims = AccessClaims(
        ticket.user_id,
        UUID(ticket.session_id),
        ticket.scopes,
        issued_at=0,
        expires_at=ticket.expires_at,
        token_id="",
    )
    remember_outcome(request, await principal_of_claims(state.cache, state.database, claims))
    request.scope["state"][_TICKET] = ticket.expires_at


async def find_token_end(request: Request) -> int | None:
    """When the token expires by which somebody called, in seconds since 1970; None for API keys."""
    expires_at: int | None = request.scope["state"].get(_TICKET)
    if expires_at is not None:
        return expires_at
    token = await bearer_scheme(request) or await cookie_scheme(request)
    issuer: TokenIssuer = request.app.state.tokens
    return None if token is None else issuer.read(token).expires_at


async def find_listener(request: Request, caller: Principal, client_id: str) -> Listener:
    """Who listens, for how long at most. Raises CsrfRefused for a page of another origin that has our cookie."""
    is_by_cookie = (
        _TICKET not in request.scope["state"]
        and caller.session_id is not None
        and await bearer_scheme(request) is None
    )
    if is_by_cookie:
        browser: BrowserGuard = request.app.state.browser
        browser.check_origin(request.headers)
    expires_at = None if caller.session_id is None else await find_token_end(request)
    if expires_at is None:
        return Listener(caller, client_id, None)
    left = expires_at - utc_now().timestamp()
    return Listener(caller, client_id, asyncio.get_running_loop().time() + left)


@refuses(CsrfRefused, ChannelNotFound, TooManyStreams, StreamsFull)
async def get_listener(request: Request, caller: CurrentUser) -> Listener:
    """The caller, as one who listens. Raises CsrfRefused."""
    return await find_listener(request, caller, f"user-{caller.user_id}")


async def get_hub(request: Request) -> Hub:
    """The streams of this process."""
    hub: Hub = request.app.state.streams
    return hub


TICKET = Depends(use_ticket)
ListenerDep = Annotated[Listener, Depends(get_listener)]
HubDep = Annotated[Hub, Depends(get_hub)]


async def admit_socket(request: Request, client_id: str) -> Opening:
    """Who opens a socket, by this handshake and under this name.

    Raises ValueError for what is malformed, ChannelNotFound, CsrfRefused, and what `use_ticket` and `get_principal` raise.
    """
    given: dict[str, object] = dict(request.query_params)
    if "channel" in given:
        given["channel"] = request.query_params.getlist("channel")
    query = StreamQuery.model_validate(given)
    if _CLIENT_ID.fullmatch(client_id) is None:
        raise ValueError("client_id: 1 to 64 letters, digits, '.', '_', '~' and '-'")
    await use_ticket(request)
    caller = await get_principal(request, SecurityScopes())
    listener = await find_listener(request, caller, client_id)
    channels = await find_channels(request.app.state.database, caller, query.channel)
    return Opening(replace(listener, speaks=True), channels, query.last_event_id)
