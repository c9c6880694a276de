"""What clients send and see of suppressed addresses."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import Line, RequestModel, ResponseModel, RowId, Timestamp
from app.identity.accounts.profile_fields import Email
from app.messaging.email.models import SuppressionReason

Detail = Annotated[Line, Field(max_length=500, examples=["550 5.1.1 no such mailbox"])]


class BounceType(StrEnum):
    """What a provider reports: the mailbox is not there, or its reader called the mail spam."""

    HARD = "hard"
    COMPLAINT = "complaint"


class BounceIn(RequestModel):
    """A bounce or a complaint, as a mail provider tells of it."""

    email: Email
    type: BounceType
    detail: Detail = ""


class BounceOut(ResponseModel):
    """It is known now."""

    received: bool = Field(default=True, examples=[True])


class SuppressionIn(RequestModel):
    """An address that shall get no mails of lists."""

    email: Email
    note: Detail = ""


class SuppressionOut(ResponseModel):
    """An address that gets no mail, and why."""

    id: RowId = Field(examples=[5])
    email: str = Field(examples=["gone@example.com"])
    reason: SuppressionReason
    detail: str = Field(
        description="What the mail server, the provider or staff said.", examples=["550 no such mailbox"]
    )
    created_at: Timestamp = Field(description="Since when.")


class SuppressionFilter(ListQuery):
    """Which suppressed addresses to list."""

    reason: SuppressionReason | None = Field(None, description="Suppressed for this reason alone.")
    email: Line | None = Field(
        None,
        max_length=254,
        description="This very address, whatever its case.",
        examples=["gone@example.com"],
    )
