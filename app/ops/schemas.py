"""What operators' endpoints answer."""

from typing import Literal

from pydantic import Field

from app.core.http.schemas import ResponseModel


class LivenessOut(ResponseModel):
    """The process answers."""

    status: Literal["alive"] = Field(default="alive", examples=["alive"])


class CheckOut(ResponseModel):
    """One thing that requests need."""

    status: Literal["up", "down"] = Field(examples=["up"])
    reason: str | None = Field(default=None, description="Why it is down.", examples=[None])
    duration_ms: float = Field(description="How long it took to tell.", examples=[1.42])


class BackgroundOut(ResponseModel):
    """What waits for the worker: information, and no reason to send requests elsewhere."""

    status: Literal["ok", "late", "unknown"] = Field(
        description="`late`: an event waits for more than a minute.", examples=["ok"]
    )
    outbox_pending: int | None = Field(default=None, description="Events not done.", examples=[0])
    outbox_age_s: float | None = Field(
        default=None, description="Seconds since the oldest of them was written.", examples=[0.0]
    )
    dead_letters: int | None = Field(default=None, description="Events that were given up.", examples=[0])
    queue_depth: int | None = Field(default=None, description="Events on the way to a worker.", examples=[0])


class ReadinessOut(ResponseModel):
    """Everything that requests need is there."""

    status: Literal["ready"] = Field(default="ready", examples=["ready"])
    checks: dict[str, CheckOut] = Field(
        examples=[{name: {"status": "up", "duration_ms": 1.42} for name in ("postgresql", "schema", "redis")}]
    )
    background: BackgroundOut


class HealthOut(ResponseModel):
    """The summary: `degraded` serves from PostgreSQL alone, `down` serves little or nothing."""

    status: Literal["ok", "degraded", "down"] = Field(examples=["ok"])
    version: str = Field(examples=["0.1.0"])
    uptime_s: float = Field(description="Seconds since this worker started.", examples=[86_400.0])
    is_cache_connected: bool = Field(
        description="Whether this worker hears invalidations, and so may answer from its cache.",
        examples=[True],
    )
    checks: dict[str, CheckOut] = Field(
        examples=[{name: {"status": "up", "duration_ms": 1.42} for name in ("postgresql", "schema", "redis")}]
    )
    background: BackgroundOut


class VersionOut(ResponseModel):
    """Which release runs."""

    name: str = Field(examples=["Bookstore"])
    version: str = Field(examples=["0.1.0"])
    api: str = Field(description="The path under which the API lies.", examples=["/api/v1"])
    schema_heads: list[str] = Field(description="The migrations this release expects.", examples=[["0001"]])


class ProblemKindOut(ResponseModel):
    """What an error code means."""

    type: str = Field(description="As in the error itself.", examples=["/problems/book-not-found"])
    code: str = Field(examples=["book-not-found"])
    status: int = Field(examples=[404])
    title: str = Field(examples=["Book not found"])
    description: str = Field(examples=["No book has this id or ISBN."])


class ProblemKindsOut(ResponseModel):
    """Every error that this API can answer."""

    items: list[ProblemKindOut]
    total: int = Field(examples=[1])
