"""What clients send and see of notifications."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.core.db.paging import ListQuery, Page
from app.core.http.schemas import OMITTED, PatchModel, RequestModel, ResponseModel, RowId, Timestamp
from app.messaging.notifications.kinds import Category, Channel

_Switch = Annotated[bool, Field(examples=[True])]


class ChannelChoicesIn(PatchModel):
    """By which channels one wants to hear of a category; what is left out is as it is by default."""

    mail: _Switch = OMITTED
    in_app: _Switch = OMITTED
    sms: _Switch = OMITTED
    push: _Switch = OMITTED


class ChoicesIn(PatchModel):
    """Choices by category; a category that is left out is as it is by default."""

    account: ChannelChoicesIn = OMITTED
    orders: ChannelChoicesIn = OMITTED
    stock: ChannelChoicesIn = OMITTED
    news: ChannelChoicesIn = OMITTED


class PreferencesIn(RequestModel):
    """All choices of an account."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "choices": {"stock": {"mail": False}, "news": {"mail": True, "push": False}}
    }

    choices: ChoicesIn


class ChannelChoices(ResponseModel):
    """By which channels one hears of a category, where the kind of notification takes them."""

    mail: bool = Field(examples=[True])
    in_app: bool = Field(examples=[True])
    sms: bool = Field(examples=[False])
    push: bool = Field(examples=[True])


class Choices(ResponseModel):
    """What one chose, by category, defaults included."""

    account: ChannelChoices
    orders: ChannelChoices
    stock: ChannelChoices
    news: ChannelChoices


class ChannelOut(ResponseModel):
    """A channel as the shop has it."""

    channel: Channel
    available: bool = Field(
        description="false: the shop has no gateway for it, or the profile no phone number; nothing is sent by it.",
        examples=[True],
    )


class KindOut(ResponseModel):
    """A kind of notification: its category, and the channels that it can take."""

    kind: str = Field(examples=["order_shipped"])
    category: Category
    channels: list[Channel]
    transactional: bool = Field(description="Its mail is sent whatever was chosen.", examples=[True])


class PreferencesOut(ResponseModel):
    """What one chose, and what there is to choose from."""

    choices: Choices
    channels: list[ChannelOut]
    kinds: list[KindOut]


class NotificationOut(ResponseModel):
    """A notification, in the reader's language."""

    id: RowId = Field(examples=[31])
    kind: str = Field(examples=["order_shipped"])
    category: Category
    title: str = Field(examples=["Your order ORD-02387461 is on its way"])
    text: str = Field(examples=["A parcel left."])
    subject: str | None = Field(
        description="What it is about, as in the feed of events.", examples=["order:ORD-02387461"]
    )
    created_at: Timestamp
    read_at: Timestamp | None = Field(examples=[None])


class NotificationList(Page[NotificationOut]):
    """A page of notifications, and how many of all are unread."""

    unread: int = Field(description="Unread notifications, whatever the filters.", examples=[3])


class NotificationFilter(ListQuery):
    """Parameters of `/users/me/notifications`."""

    unread: bool | None = Field(default=None, description="Unread ones, or those that were read.")
    category: Category | None = Field(default=None, description="Of this category.")


class UnreadCount(ResponseModel):
    """How many notifications are unread."""

    unread: int = Field(examples=[3])


class ReadAll(RequestModel):
    """Which notifications were read."""

    up_to: RowId | None = Field(
        default=None,
        description="Up to this one, so that what came meanwhile stays unread; left out, all.",
        examples=[31],
    )
