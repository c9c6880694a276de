"""Territories of prices, markets and texts: whether this shop lies within one, and how narrow it is.

What is not known excludes: without SHOP_COUNTRY only the whole world holds the shop, and a country less one of
its regions holds only a shop whose SHOP_REGION is set.
"""

import re
from dataclasses import dataclass

from app.catalog.formats.onix.parts import Part

WORLD = "WORLD"
REST = "ROW"
"""List 49: wherever nothing else is said by the others of its kind."""

UNSTATED = 1000
"""The width of a territory that is not stated, wider than any other; others are so many countries wide."""

_WHOLE_WORLD = 900
_REST_OF_WORLD = 800
_EUROZONE = """
    AD AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MC ME MT NL PT SI SK SM VA
"""
_COUNTRIES_OF = {"ECZ": frozenset(_EUROZONE.split())}
_REGIONS_OF = {"GB-EWS": frozenset({"GB-ENG", "GB-WLS", "GB-SCT"})}
_COUNTRY = 2
"""Letters of its code."""

_SHOWN = 60
"""Characters of a territory in a sentence."""

_BETWEEN = re.compile(r"[,;]")
_PREMISES = ("-AIR", "-APS")
"""Airside and airport shops: a shop is none unless its SHOP_REGION says so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the shop is: ISO 3166-1 and ISO 3166-2 or list 49; "" where it is not said."""

    country: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Territory:
    """Countries and regions, and those left out of them."""

    countries: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    countries_excluded: frozenset[str] = frozenset()
    regions_excluded: frozenset[str] = frozenset()

    def __str__(self) -> str:
        included = " ".join(sorted(self.countries) + sorted(self.regions)) or "nowhere"
        excluded = " ".join(sorted(self.countries_excluded) + sorted(self.regions_excluded))
        said = f"{included} without {excluded}" if excluded else included
        return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"

    def width_at(self, place: Place, *, is_named_elsewhere: bool = False) -> int | None:
        """How wide the territory is, in countries; None where the place is not within.

        The rest of the world is not where another territory of the record names the place.
        """
        if self._may_leave_out(place):
            return None
        named = self._width_by_name(place)
        if named is not None:
            return named
        if REST in self.regions and place.country:
            return None if is_named_elsewhere else _REST_OF_WORLD
        return _WHOLE_WORLD - len(self.countries_excluded) if WORLD in self.regions else None

    def names(self, place: Place) -> bool:
        """Whether the place is within by its own name, or by that of a group of countries."""
        return not self._may_leave_out(place) and self._width_by_name(place) is not None

    def _width_by_name(self, place: Place) -> int | None:
        if any(place.region and place.region in _REGIONS_OF.get(one, {one}) for one in self.regions):
            return 0
        if place.country in self.countries:
            return len(self.countries)
        groups = [_COUNTRIES_OF[one] for one in self.regions if one in _COUNTRIES_OF]
        return min((len(group) for group in groups if place.country in group), default=None)

    def _may_leave_out(self, place: Place) -> bool:
        if not self.countries_excluded and not self.regions_excluded:
            return False
        if not place.country or place.country in self.countries_excluded:
            return True
        return any(_may_hold(one, place) for one in self.regions_excluded)


def _may_hold(region: str, place: Place) -> bool:
    if region in _COUNTRIES_OF:
        return place.country in _COUNTRIES_OF[region]
    country, dash, _ = region.partition("-")
    if not dash:
        return True
    if country != place.country:
        return False
    if place.region:
        return place.region in _REGIONS_OF.get(region, {region})
    return not region.endswith(_PREMISES)


def territory_of(part: Part) -> Territory:
    """The territory that a composite describes; countries among regions are countries, and the other way round."""
    countries, regions = _codes(part, "CountriesIncluded", "RegionsIncluded")
    return Territory(countries, regions, *_codes(part, "CountriesExcluded", "RegionsExcluded"))


def _codes(part: Part, *names: str) -> tuple[frozenset[str], frozenset[str]]:
    texts = [one.text for name in names for one in part.all(name)]
    codes = frozenset(_BETWEEN.sub(" ", " ".join(texts)).upper().split())
    countries = frozenset(code for code in codes if len(code) == _COUNTRY)
    return countries, codes - countries
