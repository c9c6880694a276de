"""The seedlings of the planted breaches: one file that breaks a rule, or comes near and does not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent


@dataclass(frozen=True)
class Plant:
    """A file in an otherwise empty project, and the files beside it that it needs."""

    rule: str
    path: str
    source: str
    beside: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule}-{self.path}"

    def grow(self, root: Path) -> None:
        """Write the files below `root`."""
        for path, source in {**self.beside, self.path: self.source}.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(dedent(source))


@dataclass(frozen=True)
class Breaks(Plant):
    """A plant that the rule must report, at this line and with these words."""

    line: int = 1
    says: str = ""


@dataclass(frozen=True)
class Keeps(Plant):
    """A plant that looks much like a breach and is none."""
