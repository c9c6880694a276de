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
    backup_age_s: float | None = Field(
        default=None, description="Seconds since the moment that the last backup shows.", examples=[3600.0]
    )


_CHECKS = [{name: {"status": "up", "duration_ms": 1.42} for name in ("postgresql", "schema", "redis")}]
_FOR_WHOM = "Only for callers with `jobs:read`, and on the internal port."


class ReadinessOut(ResponseModel):
    """Everything that requests need is there."""

    status: Literal["ready"] = Field(default="ready", examples=["ready"])
    checks: dict[str, CheckOut] | None = Field(default=None, description=_FOR_WHOM, examples=_CHECKS)
    background: BackgroundOut | None = Field(default=None, description=_FOR_WHOM)


class HealthOut(ResponseModel):
    """Whether the shop is up; for operators, how it is in detail."""

    status: Literal["up", "down"] = Field(examples=["up"])
    condition: Literal["ok", "degraded", "down"] | None = Field(
        default=None,
        description=f"`degraded` serves from PostgreSQL alone, or its worker is late. {_FOR_WHOM}",
        examples=["ok"],
    )
    version: str | None = Field(default=None, description=_FOR_WHOM, examples=["0.1.0"])
    uptime_s: float | None = Field(
        default=None, description=f"Seconds since this worker started. {_FOR_WHOM}", examples=[86_400.0]
    )
    is_cache_connected: bool | None = Field(
        default=None,
        description=f"Whether this worker hears invalidations, and so may answer from its cache. {_FOR_WHOM}",
        examples=[True],
    )
    checks: dict[str, CheckOut] | None = Field(default=None, description=_FOR_WHOM, examples=_CHECKS)
    background: BackgroundOut | None = Field(default=None, description=_FOR_WHOM)


class VersionOut(ResponseModel):
    """That the API runs; for operators, which release."""

    status: Literal["up"] = Field(default="up", examples=["up"])
    name: str | None = Field(default=None, description=_FOR_WHOM, examples=["Bookstore"])
    version: str | None = Field(default=None, description=_FOR_WHOM, examples=["0.1.0"])
    revision: str | None = Field(
        default=None,
        description=f"The commit that the image was built from; absent outside of images. {_FOR_WHOM}",
        examples=["2f1c9d4"],
    )
    api: str | None = Field(
        default=None, description=f"The path under which the API lies. {_FOR_WHOM}", examples=["/api/v1"]
    )
    schema_heads: list[str] | None = Field(
        default=None, description=f"The newest migrations of this release. {_FOR_WHOM}", examples=[["0001"]]
    )


class LinksOut(ResponseModel):
    """Where to go on, as absolute addresses; the docs are null where they are switched off."""

    api: str = Field(examples=["https://shop.example.com/api/v1"])
    docs: str | None = Field(default=None, examples=["https://shop.example.com/docs"])
    openapi: str | None = Field(default=None, examples=["https://shop.example.com/openapi.json"])
    health: str = Field(examples=["https://shop.example.com/health"])
    problems: str = Field(examples=["https://shop.example.com/problems"])


class RootOut(ResponseModel):
    """What answers here."""

    name: str = Field(examples=["Bookstore"])
    version: str = Field(examples=["0.1.0"])
    links: LinksOut


class ProblemKindOut(ResponseModel):
    """What an error code means."""

    type: str = Field(description="As in the error itself.", examples=["/problems/book-not-found"])
    code: str = Field(examples=["book-not-found"])
    status: int = Field(examples=[404])
    title: str = Field(examples=["Book not found"])
    description: str = Field(examples=["No book has this id or ISBN."])
    remedy: str = Field(description="What to do about it.", examples=["Check the address and the id."])


class ProblemKindsOut(ResponseModel):
    """Every error that this API can answer."""

    items: list[ProblemKindOut]
    total: int = Field(examples=[1])
