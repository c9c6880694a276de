"""Which reports there are, what is asked for, and what is told of it."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import Field, PrivateAttr, field_validator, model_validator

from app.admin.reports.models import ReportStatus
from app.admin.stats.criteria import DayOrMoment, make_period
from app.admin.stats.periods import Period, zone_of
from app.core.http.schemas import Line, RequestModel, ResponseModel, Timestamp


class ReportType(StrEnum):
    """What a report is about."""

    SALES = "sales"
    BEST_SELLERS = "best_sellers"
    STOCK_VALUE = "stock_value"
    DEAD_STOCK = "dead_stock"
    RETURNS = "returns"
    TAX = "tax"
    SELL_THROUGH = "sell_through"
    SEARCH_WITHOUT_RESULT = "search_without_result"


class ReportFormat(StrEnum):
    """What its file is."""

    CSV = "csv"
    JSON = "json"
    PDF = "pdf"


MEDIA_TYPES = {
    ReportFormat.CSV: "text/csv; charset=utf-8",
    ReportFormat.JSON: "application/json",
    ReportFormat.PDF: "application/pdf",
}


class ReportIn(RequestModel):
    """A report of a half-open period."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "report_type": "sales",
        "from": "2026-03-01",
        "to": "2026-04-01",
        "tz": "Europe/Berlin",
        "format": "pdf",
    }

    report_type: ReportType
    since: DayOrMoment | None = Field(
        default=None,
        alias="from",
        description="A day of the time zone, or a moment. Without it: thirty days before `to`.",
    )
    until: DayOrMoment | None = Field(
        default=None,
        alias="to",
        description="The first day, or moment, that is no longer part of it. Without it: tomorrow.",
    )
    tz: Annotated[Line, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="Time zone of the IANA database whose days count. Without it: the shop's."
    )
    format: ReportFormat = ReportFormat.CSV
    _period: Period = PrivateAttr()

    @field_validator("tz")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name

    @model_validator(mode="after")
    def _is_a_period(self) -> Self:
        self._period = make_period(self.since, self.until, self.tz)
        return self

    @property
    def period(self) -> Period:
        """What was asked for, or what stands for it."""
        return self._period


class ReportStarted(ResponseModel):
    """Where to ask for the report."""

    task_id: UUID = Field(examples=["3f1b2c4d-5e6f-4a3b-9c1d-7e8f90a1b2c3"])
    status: ReportStatus = Field(examples=["processing"])


class ReportResult(ResponseModel):
    """The file of a report."""

    url: str = Field(
        description="Answers its owner alone.",
        examples=["https://shop.example.com/api/v1/tasks/3f1b2c4d-5e6f-4a3b-9c1d-7e8f90a1b2c3/result"],
    )
    name: str = Field(examples=["sales-2026-03-01-2026-04-01.pdf"])
    size: int = Field(description="In bytes.", examples=[48213])
    content_type: str = Field(examples=["application/pdf"])


class TaskOut(ReportStarted):
    """How far a report is."""

    percent: int = Field(examples=[100])
    report_type: ReportType = Field(examples=["sales"])
    format: ReportFormat = Field(examples=["pdf"])
    starts_at: Timestamp = Field(description="Of its period.", examples=["2026-02-28T23:00:00Z"])
    ends_at: Timestamp = Field(examples=["2026-03-31T22:00:00Z"])
    tz: str = Field(examples=["Europe/Berlin"])
    created_at: Timestamp
    expires_at: Timestamp = Field(description="When the task and its file are deleted.")
    result: ReportResult | None = Field(description="Once it is done.")
    error: str | None = Field(description="Why it failed.", examples=[None])
