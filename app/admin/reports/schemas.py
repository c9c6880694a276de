"""Which reports there are, what is asked for, and what is told of it."""

from enum import StrEnum
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator

from app.admin.reports.models import ReportStatus
from app.admin.reports.tables import interval_of
from app.admin.stats.criteria import OfPeriod
from app.admin.stats.periods import MOST_BUCKETS
from app.core.http.schemas import RequestModel, ResponseModel, Timestamp


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


class ReportIn(RequestModel, OfPeriod):
    """A report of a half-open period."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "report_type": "sales",
        "from": "2026-03-01",
        "to": "2026-04-01",
        "tz": "Europe/Berlin",
        "format": "pdf",
    }

    report_type: ReportType
    format: ReportFormat = ReportFormat.CSV

    @model_validator(mode="after")
    def _has_few_rows(self) -> Self:
        if len(self.period.bounds(interval_of(self.period))) > MOST_BUCKETS:
            raise ValueError(f"has more than {MOST_BUCKETS} months; ask for a shorter period")
        return self


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
