"""What happens to the stock of bundles, told as of any other item."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class BundleStock(Event):
    """How many of a bundle can be bought now, and could when that was last told."""

    type: ClassVar[str]
    item_id: int
    available: int
    old_available: int

    @property
    def subject(self) -> str:
        """The bundle, which is an item."""
        return f"item:{self.item_id}"


@dataclass(frozen=True, slots=True)
class BundleOut(BundleStock):
    """It is sold out, since a part is."""

    type: ClassVar[str] = "stock.out"


@dataclass(frozen=True, slots=True)
class BundleBack(BundleStock):
    """It can be bought again, since each part can."""

    type: ClassVar[str] = "stock.back"


@dataclass(frozen=True, slots=True)
class BundleChanged(BundleStock):
    """Another number of it can be bought."""

    type: ClassVar[str] = "stock.changed"
