"""`bookstore smoke URL`: makes the checks and reports each in a line.

Exit codes: 0 every check passed, 1 one failed, 2 wrong usage.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.text import Text

from app.cli.smoke.buying import Purchase
from app.cli.smoke.reading import READING
from app.cli.smoke.shop import Outcome, attempt, calling


def smoke(
    url: Annotated[str, typer.Argument(help="Where the shop is, such as https://shop.example.com.")],
    is_buying: Annotated[
        bool,
        typer.Option(
            "--buy", help="Also open an account, buy one piece by the fake provider, and cancel it."
        ),
    ] = False,
    is_insecure: Annotated[
        bool, typer.Option("--insecure", help="Take any certificate, such as a self-signed one.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds that each request may take.")] = 10,
) -> None:
    """Check a running shop over HTTP: a line for each check, with its milliseconds.

    Without --buy nothing is changed there. Exit code 1: a check failed.
    """
    if not _leads_to_a_host(url):
        raise typer.BadParameter("must look like https://shop.example.com", param_hint="URL")
    failed = asyncio.run(_report(_check(url, timeout, is_buying=is_buying, is_insecure=is_insecure)))
    if failed:
        raise typer.Exit(1)


def _leads_to_a_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # Half an IPv6 address, or a port that is no number or too large.
        return False


async def _check(url: str, longest: float, *, is_buying: bool, is_insecure: bool) -> AsyncIterator[Outcome]:
    async with calling(url, longest, is_insecure=is_insecure) as shop:
        for name, check in READING.items():
            yield await attempt(name, check, shop)
        for name, step in (Purchase().steps if is_buying else {}).items():
            outcome = await attempt(f"buy: {name}", step, shop)
            yield outcome
            if outcome.fault:
                return


async def _report(outcomes: AsyncIterator[Outcome]) -> int:
    """Print each outcome as it comes; how many failed."""
    console = Console(highlight=False, soft_wrap=True)
    made = failed = 0
    async for outcome in outcomes:
        made += 1
        failed += bool(outcome.fault)
        style, word = ("red", "FAIL") if outcome.fault else ("green", "ok")
        said = f"{outcome.milliseconds:7.0f} ms  {outcome.name:<24} {outcome.fault or outcome.note}"
        console.print(Text(f"{word:<4}", style), Text(said))
    console.print(f"{made - failed} of {made} checks passed.")
    return failed
