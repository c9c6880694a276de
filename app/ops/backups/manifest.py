"""What a backup says of itself: written last, so that a backup without it is none."""

import re
import secrets
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Literal[1] = 1
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
_TIME = "%Y%m%dT%H%M%SZ"


class Part(BaseModel):
    """One sealed file: size and SHA-256 are of what lies in the store, so that they are checked without a key."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^\w+(\.\w+)*$")
    size: int
    sha256: str


class Manifest(BaseModel):
    """One whole backup. `rows` and `files` count what it holds as of `snapshot_at`."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = FORMAT
    name: str
    release: str
    schema_heads: tuple[str, ...]
    postgresql: str
    snapshot_at: datetime
    finished_at: datetime
    recipient: str
    database: Part
    files: Part | None
    file_count: int
    rows: dict[str, int]

    @property
    def size(self) -> int:
        """Bytes in the store."""
        return self.database.size + (self.files.size if self.files else 0)


def new_name(now: datetime) -> str:
    """A name that sorts by time and is nobody else's."""
    return f"{now.astimezone(UTC):{_TIME}}-{secrets.token_hex(4)}"


def is_name(name: str) -> bool:
    """Whether a backup may be called so."""
    return _NAME.fullmatch(name) is not None
