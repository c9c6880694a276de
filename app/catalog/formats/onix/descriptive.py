"""Block 1, descriptive detail: form, title, series, language, extent."""

from collections.abc import Iterable

from pydantic import TypeAdapter

from app.catalog.books.schemas import Pages, SeriesPosition
from app.catalog.formats.onix import codes
from app.catalog.formats.onix.contributors import read_contributors
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.onix.reading import Reading
from app.catalog.formats.onix.subjects import read_subjects
from app.catalog.formats.texts import FieldRefused, TextRule, checked
from app.catalog.goods.schemas import ShortLine, Title
from app.catalog.languages import language_of

_title = TextRule(TypeAdapter(Title))
_line = TextRule(TypeAdapter(ShortLine))
_position = TextRule(TypeAdapter(SeriesPosition))
_PAGES: TypeAdapter[int] = TypeAdapter(Pages)
_ELIDED = ("'", "\u2019", "-")
"""What a title prefix ends with that is written together with the next word: L'."""


def read_descriptive(block: Part, reading: Reading) -> None:
    """Everything of the block; what is absent is emptied, save the title."""
    block.use_if("ProductComposition", codes.SINGLE_ITEM)
    _read_form(block, reading)
    _read_title(block, reading)
    _read_series(block, reading)
    _read_language(block, reading)
    _read_pages(block, reading)
    read_contributors(block, reading)
    read_subjects(block, reading)


def _read_form(block: Part, reading: Reading) -> None:
    reading.values["format"] = codes.format_of(block.peek("ProductForm"))
    block.use_if("ProductForm", *codes.FORMAT_CODES.values(), codes.UNDEFINED_FORM)


def _read_title(block: Part, reading: Reading) -> None:
    reading.values["subtitle"] = None
    detail = _best(block.all("TitleDetail"), "TitleType", codes.TITLE_TYPES)
    element = _of_level(detail, codes.PRODUCT_LEVEL) if detail else None
    if detail is None or element is None:
        return
    text, subtitle = take_title(element), element.take("Subtitle")
    detail.use("TitleType")
    element.use("TitleElementLevel", "SequenceNumber", "NoPrefix")
    above = _of_level(detail, codes.COLLECTION_LEVEL)
    if not text and above:
        text = f"{take_title(above)} {element.take('PartNumber')}".strip()
        above.use("TitleElementLevel", "SequenceNumber", "NoPrefix")
    if text:
        reading.put("title", _title, text)
    reading.put_or_empty("subtitle", _line, subtitle)


def _read_series(block: Part, reading: Reading) -> None:
    collection = _best(
        block.all("Collection"), "CollectionType", (codes.PUBLISHER_COLLECTION, codes.UNSPECIFIED_COLLECTION)
    ) or block.find("Collection")
    detail = collection and _best(collection.all("TitleDetail"), "TitleType", codes.TITLE_TYPES)
    within = detail or _best(block.all("TitleDetail"), "TitleType", codes.TITLE_TYPES)
    named = _of_level(within, codes.COLLECTION_LEVEL) if within else None
    reading.values |= {"series": None, "series_position": None}
    if within is None or named is None:
        return
    if collection:
        collection.use_if("CollectionType", codes.UNSPECIFIED_COLLECTION)
    reading.put_or_empty("series", _line, take_title(named))
    named.use("TitleElementLevel", "SequenceNumber", "NoPrefix")
    if detail:
        detail.use("TitleType")
    if reading.values.get("series"):
        reading.put_or_empty("series_position", _position, _take_position(within, named, collection))


def _take_position(within: Part, named: Part, collection: Part | None) -> str:
    product = _of_level(within, codes.PRODUCT_LEVEL)
    if product and product.peek("PartNumber"):
        product.use("TitleElementLevel", "SequenceNumber")
        return product.take("PartNumber")
    for sequence in collection.all("CollectionSequence") if collection else ():
        if number := sequence.peek("CollectionSequenceNumber"):
            return number
    return named.take("PartNumber")


def _read_language(block: Part, reading: Reading) -> None:
    reading.values["language"] = None
    for language in block.all("Language"):
        if language.peek("LanguageRole") == codes.MAIN_LANGUAGE and language.peek("LanguageCode"):
            names = ("LanguageCode", "ScriptCode", "CountryCode")
            reading.put(
                "language", language_of, "-".join(filter(None, (language.take(one) for one in names)))
            )
            language.use("LanguageRole")
            return


def _read_pages(block: Part, reading: Reading) -> None:
    counted = [one for one in block.all("Extent") if one.peek("ExtentUnit") == codes.PAGES_UNIT]
    extent = _best(counted, "ExtentType", codes.PAGE_COUNTS)
    value = extent.peek("ExtentValue") if extent else ""
    reading.values["pages"] = None
    if extent and value.strip("0"):
        reading.put("pages", _page_count, value)
        if extent.peek("ExtentType") == codes.PAGE_COUNTS[0]:
            extent.use()


def _page_count(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise FieldRefused("must be a whole number of pages", "not-a-number")
    return int(checked(_PAGES, int(value)))


def _best(parts: Iterable[Part], name: str, wanted: tuple[str, ...]) -> Part | None:
    """The part whose code stands first in the list."""
    ranked = [(wanted.index(code), part) for part in parts if (code := part.peek(name)) in wanted]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def _of_level(detail: Part, level: str) -> Part | None:
    elements = detail.all("TitleElement")
    return next((one for one in elements if one.peek("TitleElementLevel") == level), None)


def take_title(element: Part) -> str:
    """The title of an element, with its prefix; "" where it has none."""
    if text := element.take("TitleText"):
        return text
    prefix, rest = element.take("TitlePrefix"), element.take("TitleWithoutPrefix")
    between = "" if not prefix or not rest or prefix.endswith(_ELIDED) else " "
    return f"{prefix}{between}{rest}"
