"""What staff send and see of issues."""

from typing import Annotated

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import RequestModel, ResponseModel, RowId, Text, Timestamp, VisibleLine


class IssueIn(RequestModel):
    """An issue of the newsletter, as plain text; addresses in it become links."""

    subject: Annotated[VisibleLine, Field(max_length=150, examples=["New this week"])]
    text: Annotated[
        Text, Field(min_length=1, max_length=20_000, examples=["The Left Hand of Darkness is back in print."])
    ]


class IssueOut(ResponseModel):
    """An issue, and what became of its mails: of those whose records are kept, which is for 90 days."""

    id: RowId = Field(examples=[3])
    subject: str = Field(examples=["New this week"])
    text: str = Field(examples=["The Left Hand of Darkness is back in print."])
    recipients: int = Field(description="Addresses that its mail was queued for so far.", examples=[1200])
    sent: int = Field(description="Taken by the mail server.", examples=[1180])
    waiting: int = Field(description="Not sent yet, or without an answer.", examples=[15])
    refused: int = Field(description="Refused for good by the mail server.", examples=[3])
    dropped: int = Field(description="Left or suppressed before it was sent.", examples=[2])
    created_at: Timestamp
    queued_at: Timestamp | None = Field(description="When all of its mails were queued; null: not yet.")


class IssueFilter(ListQuery):
    """Which part of the list to show."""
