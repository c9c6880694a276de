"""Block 4, publishing detail: publisher and dates."""

from pydantic import TypeAdapter

from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import onix_year, partial_date_of, year_of
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part, date_in
from app.catalog.formats.texts import TextRule, checked
from app.catalog.goods.schemas import ShortLine
from app.catalog.partial_dates import Year

_line = TextRule(TypeAdapter(ShortLine))
_YEAR: TypeAdapter[int] = TypeAdapter(Year)


def read_publishing(block: Part, parsed: ParsedProduct) -> None:
    """Read publisher (else the imprint) and dates; the year of first publication only where it is given."""
    _read_publisher(block, parsed)
    parsed.values["published_on"] = None
    for composite in block.all("PublishingDate"):
        role = composite.peek("PublishingDateRole")
        if role == code_lists.PUBLICATION:
            _read_publication(composite, parsed)
        elif role == code_lists.FIRST_PUBLICATION:
            _read_first_publication(composite, parsed)


def _read_publisher(block: Part, parsed: ParsedProduct) -> None:
    publishers = [
        (one, "PublisherName")
        for one in block.all("Publisher")
        if one.peek("PublishingRole") == code_lists.PUBLISHER_ROLE
    ]
    imprints = [(one, "ImprintName") for one in block.all("Imprint")]
    for part, name in (*publishers, *imprints):
        if part.peek(name):
            parsed.take("publisher", _line, part, name)
            part.use("PublishingRole")
            return
    parsed.values["publisher"] = None
    for part, _ in publishers:
        if any(
            one.text == code_lists.SHOP_PUBLISHER for one in part.leaves("PublisherIdentifier", "IDTypeName")
        ):
            part.use()


def _read_publication(composite: Part, parsed: ParsedProduct) -> None:
    text, form = date_in(composite)
    known = parsed.values.get("published_on")
    try:
        published_on = partial_date_of(text, form)
    except ValueError as refusal:
        if not known:
            parsed.values.pop("published_on", None)
        parsed.warn("published_on", refusal, text)
        return
    if known and len(known) >= len(published_on or ""):
        # Of several the one that says most.
        return
    parsed.values["published_on"] = published_on
    # What the catalogue does not keep of a date stays raw.
    if published_on and len(text) == len(published_on.replace("-", "")):
        composite.use()


def _read_first_publication(composite: Part, parsed: ParsedProduct) -> None:
    text, form = date_in(composite)
    try:
        year = year_of(text, form)
    except ValueError as refusal:
        parsed.warn("first_published", refusal, text)
        return
    if year is None or not parsed.put("first_published", lambda value: checked(_YEAR, value), year):
        return
    # Of a whole date the catalogue keeps the year alone.
    if onix_year(year) == (text, form):
        composite.use()
