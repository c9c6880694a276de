"""Tables for people and for pipes."""

from rich.console import Console
from rich.table import Table


def show(*parts: Table | str) -> None:
    """Print them; where no terminal sets the width, every line is as long as it needs to be."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(Console(width=10_000).measure(part).maximum for part in parts)
    console.print(*parts, sep="\n")
