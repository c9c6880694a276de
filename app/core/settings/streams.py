"""The group of settings for live updates."""

from pydantic import BaseModel, Field


class StreamSettings(BaseModel):
    """Live updates: `STREAM_*`. Times in seconds, `message_size` in bytes, `rate` in messages per second each way.

    A quiet stream says something every `heartbeat`, ends after `lifetime`, and asks every `check` whether its session
    is still under way. Beyond `waiting` messages that its reader has not taken it is cut.
    """

    heartbeat: float = Field(default=15, gt=0, le=60)
    lifetime: float = Field(default=600, gt=0, le=86_400)
    check: float = Field(default=4, gt=0, le=30)
    per_user: int = Field(default=5, ge=1)
    per_worker: int = Field(default=1000, ge=1)
    waiting: int = Field(default=64, ge=1, le=10_000)
    message_size: int = Field(default=16_384, ge=256, le=1_048_576)
    rate: int = Field(default=10, ge=1, le=1000)
