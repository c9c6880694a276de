"""What clients ask of live updates, and the union of what they are told: each message has its `type`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.core.http.schemas import ResponseModel
from app.messaging.catalogue import EventOut
from app.messaging.realtime.channels import LONGEST_NAME, MOST_CHANNELS

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


class Closed(BaseModel):
    """The stream ends now, and coming again as the same would not help."""

    type: Literal["closed"] = "closed"
    reason: str


StreamMessage = Connected | EventMessage | Reset | Degraded | Recovered | Reconnect | Closed
