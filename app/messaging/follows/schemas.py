"""What clients send and see of what they follow."""

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import ResponseModel, RowId, Timestamp
from app.messaging.follows.targets import FollowTarget


class FollowOut(ResponseModel):
    """An author, a series or a seller that one follows."""

    target: FollowTarget
    target_id: RowId = Field(examples=[7])
    name: str = Field(description="Of a seller the user name.", examples=["Ursula K. Le Guin"])
    created_at: Timestamp


class FollowFilter(ListQuery):
    """Parameters of `/users/me/follows`."""

    target: FollowTarget | None = Field(default=None, description="Authors, series or sellers alone.")
