"""What clients ask of the feed, and see."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.http.schemas import LARGEST_ID, Line, ResponseModel
from app.messaging.audience import Pattern
from app.messaging.public_events import EventOut


class FeedQuery(BaseModel):
    """Parameters of `/events`."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    after: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_ID,
        description="`next_after` of the answer before; left out: from the oldest that is kept.",
    )
    limit: int = Field(default=100, ge=1, le=1000, description="Events in the answer, at most.")
    type: Pattern = Field(
        default="*", description="Only this event, or kind of events: `order.paid`, `order.*`."
    )
    subject: Annotated[Line, Field(max_length=200)] | None = Field(
        default=None, description="Only what is about this, such as `order:ORD-02387461`."
    )
    all_accounts: bool = Field(
        default=False, description="Everybody's events and those for staff: needs `webhooks:manage`."
    )


class FeedOut(ResponseModel):
    """A stretch of the feed, the oldest event first."""

    items: list[EventOut]
    next_after: int = Field(description="Send it as `after` the next time.", examples=[1204])
    has_more: bool = Field(description="Whether to ask again at once.", examples=[False])
    oldest: int = Field(description="The oldest place that is kept.", examples=[1000])
    last: int = Field(description="The last place that was given.", examples=[1204])
