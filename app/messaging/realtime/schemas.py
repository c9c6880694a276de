"""What clients ask of live updates, and the union of what they are told: each message has its `type`."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.http.schemas import ResponseModel, VisibleText
from app.messaging.public_events import EventOut
from app.messaging.realtime.channels import LONGEST_NAME, MOST_CHANNELS
from app.messaging.support.schemas import Author

ChannelName = Annotated[str, Field(max_length=LONGEST_NAME, examples=["items:42"])]


class TicketOut(ResponseModel):
    """A ticket that opens one stream, once."""

    ticket: str = Field(
        description="For the query parameter `ticket`.",
        examples=["x7Qh0fO3m1cJkq1JzRr8VtWm3bN5sYpE2dLg9aUoTiA"],
    )
    expires_in: int = Field(description="Seconds.", examples=[30])


class OrderStreamQuery(BaseModel):
    """Who asks, and where they were."""

    model_config = ConfigDict(extra="forbid")

    ticket: str | None = Field(
        default=None,
        max_length=100,
        description="Of `POST /auth/stream-tickets`, for what cannot send headers.",
    )
    last_event_id: str | None = Field(
        default=None,
        max_length=100,
        description="Go on after this event, as the header `Last-Event-ID`, which wins where both come.",
    )


class StreamQuery(OrderStreamQuery):
    """What to hear, too."""

    channel: list[ChannelName] = Field(
        default=[],
        max_length=MOST_CHANNELS,
        description="What to hear, once for each channel; one's own `user:{me}` where nothing is said.",
    )


class Connected(BaseModel):
    """The stream is open, and these are its channels. Later events have greater sequences than `sequence`."""

    type: Literal["connected"] = "connected"
    client_id: str
    message: str
    channels: list[str]
    sequence: int


class EventMessage(BaseModel):
    """Something happened in these of the stream's channels."""

    type: Literal["event"] = "event"
    channels: list[str]
    event: EventOut


class Reset(BaseModel):
    """What was missed is not kept any more, or is too much: read anew what you show. The stream goes on from now."""

    type: Literal["reset"] = "reset"
    sequence: int


class Degraded(BaseModel):
    """Events come later than they should for a while; none is lost."""

    type: Literal["degraded"] = "degraded"


class Recovered(BaseModel):
    """Events come at once again."""

    type: Literal["recovered"] = "recovered"


class Reconnect(BaseModel):
    """The stream ends now. Come again after so many milliseconds, with the last event's sequence."""

    type: Literal["reconnect"] = "reconnect"
    reason: str
    retry: int


class Echo(BaseModel):
    """The answer to a text that is no command."""

    type: Literal["message"] = "message"
    client_id: str
    content: str
    echo: str


class Said(BaseModel):
    """Another member of the channel says something."""

    type: Literal["message"] = "message"
    channel: str
    client_id: str
    content: str


class SaidAboutOrder(Said):
    """Buyer or staff write about an order: kept under `message_id`, with a place in the feed."""

    message_id: int
    author: Author
    sequence: int


class Left(BaseModel):
    """Another member left the channel."""

    type: Literal["left"] = "left"
    channel: str
    client_id: str
    message: str


class Subscribed(BaseModel):
    """The stream hears the channel from now on, or does not any more."""

    type: Literal["status"] = "status"
    status: Literal["subscribed", "unsubscribed"]
    channel: str


class Pong(BaseModel):
    """The answer to `ping`."""

    type: Literal["pong"] = "pong"


class ErrorMessage(BaseModel):
    """What was sent is refused; the connection stays. `code` is one of the problems', or of those in the guide."""

    type: Literal["error"] = "error"
    code: str
    detail: str
    channel: str | None = None


class Closed(BaseModel):
    """The stream ends now, and coming again as the same would not help."""

    type: Literal["closed"] = "closed"
    reason: str


StreamMessage = (
    Connected
    | EventMessage
    | Reset
    | Degraded
    | Recovered
    | Reconnect
    | Closed
    | Echo
    | Said
    | SaidAboutOrder
    | Left
    | Subscribed
    | Pong
    | ErrorMessage
)


class Subscribe(BaseModel):
    """Hear a channel."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["subscribe"]
    channel: ChannelName


class Unsubscribe(BaseModel):
    """Do not hear it any more."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["unsubscribe"]
    channel: ChannelName


class Ping(BaseModel):
    """Is anybody there?"""

    model_config = ConfigDict(extra="forbid")

    action: Literal["ping"]


class Say(BaseModel):
    """Say something to the channel's other members."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["message"]
    channel: ChannelName
    content: VisibleText


Command = Subscribe | Unsubscribe | Say | Ping
COMMANDS: Mapping[object, type[Command]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "message": Say,
    "ping": Ping,
}
"""By their `action`."""
