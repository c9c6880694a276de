"""Runs the encoder, a process per picture and few at a time, and checks all that it answers."""

import asyncio
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from app.catalog.goods.pictures import SIZES
from app.catalog.pictures.errors import (
    AnimatedPicture,
    BrokenPicture,
    PicturesBusy,
    PictureTooDetailed,
    UnsupportedPicture,
)
from app.core.clock import utc_now
from app.core.errors import AppError
from app.core.isolation import Bounds, IsolationFault, run_isolated

AT_ONCE = 2
"""Encoders that run at the same time: each may take a processor and a gigabyte."""
LONGEST_QUEUE = 16
"""Pictures that wait or are made; more are refused."""
TIME_LIMIT = 20.0
"""Seconds until an encoder is stopped that does not come to an end."""
LARGEST_ANSWER = 4 * 1024 * 1024
LARGEST_SIDE = 0xFFFF

_ENCODER = Path(__file__).with_name("encoder.py")
Reason = Literal["format", "broken", "pixels", "frames"]
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]
Length = Annotated[int, Field(ge=1, le=LARGEST_ANSWER)]
_REFUSALS: dict[Reason, type[AppError]] = {
    "format": UnsupportedPicture,
    "broken": BrokenPicture,
    "pixels": PictureTooDetailed,
    "frames": AnimatedPicture,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A cover in its sizes, ready to be stored under its name."""

    name: str
    width: int
    height: int
    files: dict[str, bytes]


class _Refusal(BaseModel):
    """An encoder's answer when there is no cover."""

    refused: Reason
    detail: str = Field(max_length=200)


class _Encoded(BaseModel):
    """The first line of an encoder's answer: how large the cover is, and how long its files are."""

    width: Side
    height: Side
    lengths: tuple[Length, Length, Length]


_ANSWER = TypeAdapter[_Refusal | _Encoded](_Refusal | _Encoded)


class PictureEncoder:
    """The encoders of one worker process."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def encode(self, file: BinaryIO) -> Picture:
        """Make the covers of an uploaded file.

        Raises UnsupportedPicture, BrokenPicture, PictureTooDetailed, AnimatedPicture, PicturesBusy.
        """
        if self._waiting >= LONGEST_QUEUE:
            raise _busy()
        self._waiting += 1
        try:
            async with self._free:
                answer = await run_isolated(_ENCODER, file, Bounds(TIME_LIMIT, LARGEST_ANSWER))
                return _read_answer(answer)
        except IsolationFault:
            raise BrokenPicture("The picture cannot be read, or not in reasonable time.") from None
        except TimeoutError:
            raise _busy() from None
        finally:
            self._waiting -= 1


def _busy() -> PicturesBusy:
    return PicturesBusy("Too many pictures at once; try again shortly.", headers={"Retry-After": "5"})


def _read_answer(answer: bytes) -> Picture:
    head, _, body = answer.partition(b"\n")
    try:
        found = _ANSWER.validate_json(head)
    except ValidationError:
        raise BrokenPicture("The picture cannot be read.") from None
    if isinstance(found, _Refusal):
        raise _REFUSALS[found.refused](found.detail)
    rest = BytesIO(body)
    files = {size: rest.read(length) for size, length in zip(SIZES, found.lengths, strict=True)}
    if not all(file[:4] == b"RIFF" and file[8:12] == b"WEBP" for file in files.values()):
        raise BrokenPicture("The picture cannot be read.")
    name = picture_name(body, found.width, found.height)
    return Picture(name, found.width, found.height, files)


def picture_name(content: bytes, width: int, height: int) -> str:
    """The hash of the content and of today, then width and height, all hexadecimal.

    Today is part of it so that nobody can come to use again, by an upload of the same picture, a
    file that is old and unused and so about to be purged.
    """
    digest = blake2b(content, digest_size=16, salt=utc_now().date().isoformat().encode())
    return f"{digest.hexdigest()}{width:04x}{height:04x}"


def picture_size(name: str) -> tuple[int, int]:
    """Width and height, as they stand in the name."""
    return int(name[-8:-4], 16), int(name[-4:], 16)
