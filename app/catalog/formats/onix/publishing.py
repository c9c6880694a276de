"""Blocks 2 and 4, collateral and publishing detail: description, publisher, dates."""

from pydantic import TypeAdapter

from app.catalog.formats.onix import codes
from app.catalog.formats.onix.dates import partial_date, year_of
from app.catalog.formats.onix.descriptions import description_of
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.onix.reading import Reading
from app.catalog.formats.texts import TextRule, checked
from app.catalog.goods.schemas import Description, ShortLine
from app.catalog.partial_dates import Year

_line = TextRule(TypeAdapter(ShortLine))
_description = TextRule(TypeAdapter(Description), is_single_line=False)
_YEAR: TypeAdapter[int] = TypeAdapter(Year)


def read_collateral(block: Part, reading: Reading) -> None:
    """The description as text; a longer one, or one with markup, stays raw as well."""
    reading.values["description"] = None
    for wanted in codes.DESCRIPTION_TYPES:
        for content in block.all("TextContent"):
            text = content.find("Text")
            if content.peek("TextType") != wanted or text is None or not text.text:
                continue
            description, is_whole = description_of(text.element)
            reading.put_or_empty("description", _description, description)
            if is_whole and wanted == codes.DESCRIPTION_TYPES[0]:
                content.use("TextType", "Text")
                content.use_if("ContentAudience", codes.ANYBODY)
            return


def read_publishing(block: Part, reading: Reading) -> None:
    """Publisher (else the imprint) and dates; the year of first publication only where it is given."""
    reading.put_or_empty("publisher", _line, _take_publisher(block))
    reading.values["published_on"] = None
    for composite in block.all("PublishingDate"):
        role = composite.peek("PublishingDateRole")
        if role == codes.PUBLICATION:
            reading.put("published_on", partial_date, composite)
            if reading.values["published_on"]:
                composite.use()
        elif role == codes.FIRST_PUBLICATION and (year := year_of(composite)) is not None:
            reading.put("first_published", lambda value: checked(_YEAR, value), year)
            _use_year(composite)


def _use_year(composite: Part) -> None:
    found = composite.find("Date")
    if found and found.element.get("dateformat") in {codes.YEAR, codes.FREE_TEXT}:
        composite.use()


def _take_publisher(block: Part) -> str:
    for publisher in block.all("Publisher"):
        if publisher.peek("PublishingRole") == codes.PUBLISHER_ROLE and publisher.peek("PublisherName"):
            publisher.use("PublishingRole")
            return publisher.take("PublisherName")
    return next((name for imprint in block.all("Imprint") if (name := imprint.take("ImprintName"))), "")
