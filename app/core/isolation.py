"""Runs a script of ours on somebody's file, confined to a process of its own, and takes its answer."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO

import structlog

_CONFINED = Path(__file__).with_name("confined.py")
_log = structlog.get_logger(__name__)


class IsolationFault(Exception):
    """The script failed, used up its time on a processor or answered too much."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds by the clock until the script is stopped, and the most bytes of its answer."""

    seconds: float
    answer: int


async def run_isolated(script: Path, file: BinaryIO, bounds: Bounds, *arguments: str) -> bytes:
    """Run the script with the file as its stdin; what it wrote to stdout.

    Raises IsolationFault, and TimeoutError where the machine is too busy: a file that is to blame is stopped by the
    script's bound on processor time before.
    """
    # No environment: the script knows no secrets. By path and isolated: it imports nothing of the shop.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        str(_CONFINED),
        str(script),
        *arguments,
        stdin=_descriptor(file),
        stdout=PIPE,
        stderr=DEVNULL,
        env={},
    )
    try:
        async with asyncio.timeout(bounds.seconds):
            answer = await _read_all(process, bounds.answer)
            status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if status:
        _log.warning("isolated_script_failed", script=script.name, status=status)
        raise IsolationFault
    return answer


def _descriptor(file: BinaryIO) -> int:
    """The file as the script's stdin: it reads from disk, and nothing of it lies in our memory."""
    if isinstance(file, SpooledTemporaryFile):
        file.rollover()
    file.flush()
    descriptor = file.fileno()
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


async def _read_all(process: Process, most: int) -> bytes:
    answer = bytearray()
    while process.stdout is not None and (chunk := await process.stdout.read(65_536)):
        answer += chunk
        if len(answer) > most:
            raise IsolationFault
    return bytes(answer)
