"""What operators see of jobs, events and dead letters, and what they send."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import Line, RequestModel, ResponseModel, RowId, Timestamp, VisibleLine

EventType = Annotated[
    Line, Field(min_length=1, max_length=100, description="A type of event.", examples=["order.paid"])
]


class JobState(StrEnum):
    """Waiting for a worker, being run, done, failed and to be tried again, or given up."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DEAD = "dead"


class JobRunOut(ResponseModel):
    """What became of one slot of a job."""

    slot: Timestamp = Field(description="When it was due.")
    state: JobState
    started_at: Timestamp | None = Field(description="When the last attempt began.")
    done_at: Timestamp | None
    seconds: float | None = Field(description="How long the last attempt took.", examples=[0.42])
    rows: int | None = Field(description="How many rows it dealt with.", examples=[17])
    failures: int = Field(description="Attempts that failed.", examples=[0])
    error: str | None = Field(description="Why the last of those did.", examples=[None])


class JobOut(ResponseModel):
    """A scheduled job: its last run, and when the next one is due."""

    name: str = Field(examples=["purge_outbox"])
    every_s: float | None = Field(description="Seconds from one slot to the next.", examples=[3600])
    next_at: Timestamp | None = Field(description="When the next slot begins.")
    last: JobRunOut
    last_done_at: Timestamp | None = Field(description="When it last ended well.")
    overdue_s: float = Field(
        description="Seconds since the first slot after the last one that ended well was opened; 0: none waits.",
        examples=[0.0],
    )


class JobDetailOut(JobOut):
    """A scheduled job with its last 50 slots, the newest first."""

    runs: list[JobRunOut]


class JobsOut(ResponseModel):
    """All jobs that had a slot in the last 30 days, by name."""

    jobs: list[JobOut]


class EventTypeOut(ResponseModel):
    """How many events of a type are where."""

    type: str = Field(examples=["order.paid"])
    waiting: int = Field(description="Written, and not begun.", examples=[3])
    started: int = Field(description="Begun: under way, or to be tried again.", examples=[1])
    dead: int = Field(description="Given up; see `/admin/dead-letters`.", examples=[0])
    done_in_last_hour: int = Field(examples=[120])


class EventSummaryOut(ResponseModel):
    """Events by type and state."""

    age_s: float = Field(
        description="Seconds for which an event could have been started and was not.", examples=[0.2]
    )
    types: list[EventTypeOut]


class DeadLetterFilter(ListQuery):
    """Filters of `/admin/dead-letters`."""

    type: EventType | None = Field(default=None, description="Only of this type.")


class DeadLetterOut(ResponseModel):
    """An event that was given up, and why."""

    id: RowId = Field(description="The event's.", examples=[1204])
    type: str = Field(examples=["order.paid"])
    error: str = Field(description="How the last attempt failed.", examples=["TimeoutError"])
    created_at: Timestamp = Field(description="When the event was written.")
    died_at: Timestamp


class DeadLetterDetailOut(DeadLetterOut):
    """An event that was given up, with what it says."""

    payload: dict[str, Any] = Field(
        description="What looks like a secret is hidden.",
        examples=[{"order_id": 7, "number": "ORD-02387461"}],
    )


class RetryIn(RequestModel):
    """All dead letters of a type."""

    type: EventType


class RetriedOut(ResponseModel):
    """How many are tried again."""

    type: str = Field(examples=["order.paid"])
    retried: int = Field(examples=[12])


class DiscardIn(RequestModel):
    """Why nobody needs it any more, for the audit log."""

    note: Annotated[
        VisibleLine, Field(max_length=500, examples=["The order was cancelled by phone, nothing to mail."])
    ]
