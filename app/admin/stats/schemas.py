"""The figures that staff see."""

import datetime as dt

from pydantic import Field

from app.core.http.schemas import ResponseModel
from app.identity.permissions import Role


class DailyCount(ResponseModel):
    """How many on one day."""

    date: dt.date = Field(description="In UTC.", examples=["2026-03-01"])
    count: int = Field(examples=[12])


class Dashboard(ResponseModel):
    """The shop's accounts at a glance."""

    total_users: int = Field(examples=[1250])
    active_users: int = Field(description="Open accounts.", examples=[1200])
    inactive_users: int = Field(description="Closed accounts.", examples=[50])
    users_by_role: dict[Role, int] = Field(
        description="Every role, also where nobody has it.",
        examples=[{"user": 1240, "moderator": 7, "admin": 2, "super_admin": 1}],
    )
    sign_ups_per_day: list[DailyCount] = Field(
        description="The last 30 days in UTC, oldest first, today among them; days without sign-ups too."
    )
