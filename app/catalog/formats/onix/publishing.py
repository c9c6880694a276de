"""Blocks 2 and 4, collateral and publishing detail: description, publisher, dates."""

from pydantic import TypeAdapter

from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import partial_date_of, year_of
from app.catalog.formats.onix.descriptions import description_of
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part, date_in
from app.catalog.formats.texts import TextRule, checked
from app.catalog.goods.schemas import Description, ShortLine
from app.catalog.partial_dates import Year

_line = TextRule(TypeAdapter(ShortLine))
_description = TextRule(TypeAdapter(Description), is_single_line=False)
_YEAR: TypeAdapter[int] = TypeAdapter(Year)


def read_collateral(block: Part, parsed: ParsedProduct) -> None:
    """Read the description as text; a longer one, or one with markup, stays raw as well."""
    parsed.values["description"] = None
    for wanted in code_lists.DESCRIPTION_TYPES:
        for content in block.all("TextContent"):
            text = content.find("Text")
            if content.peek("TextType") != wanted or text is None or not text.text:
                continue
            description, is_whole = description_of(text.element)
            parsed.put_or_empty("description", _description, description)
            if is_whole and wanted == code_lists.DESCRIPTION_TYPES[0]:
                content.use("TextType", "Text")
                content.use_if("ContentAudience", code_lists.ANYBODY)
            return


def read_publishing(block: Part, parsed: ParsedProduct) -> None:
    """Read publisher (else the imprint) and dates; the year of first publication only where it is given."""
    parsed.put_or_empty("publisher", _line, _take_publisher(block))
    parsed.values["published_on"] = None
    for composite in block.all("PublishingDate"):
        role = composite.peek("PublishingDateRole")
        if role == code_lists.PUBLICATION:
            parsed.put("published_on", lambda dated: partial_date_of(*dated), date_in(composite))
            if parsed.values["published_on"]:
                composite.use()
        elif role == code_lists.FIRST_PUBLICATION and (year := year_of(*date_in(composite))) is not None:
            parsed.put("first_published", lambda value: checked(_YEAR, value), year)
            found = composite.find("Date")
            # Of a whole date the catalogue keeps the year alone.
            if found and found.element.get("dateformat") in {code_lists.YEAR, code_lists.FREE_TEXT}:
                composite.use()


def _take_publisher(block: Part) -> str:
    for publisher in block.all("Publisher"):
        if publisher.peek("PublishingRole") == code_lists.PUBLISHER_ROLE and publisher.peek("PublisherName"):
            publisher.use("PublishingRole")
            return publisher.take("PublisherName")
    return next((name for imprint in block.all("Imprint") if (name := imprint.take("ImprintName"))), "")
