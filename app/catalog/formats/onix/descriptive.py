"""Block 1, descriptive detail: form, title, series, edition, language, extent, subjects."""

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

from pydantic import TypeAdapter, ValidationError

from app.catalog.books.schemas import Pages, SeriesPosition, Subtitle
from app.catalog.formats.numbers import read_integer
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.contributors import read_contributors
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.texts import FieldRefused, TextRule, checked
from app.catalog.goods.schemas import ShortLine, Title, WeightGrams
from app.catalog.languages import language_of
from app.catalog.subjects import MOST_SUBJECTS, Subject, SubjectScheme

_title = TextRule(TypeAdapter(Title))
_line = TextRule(TypeAdapter(ShortLine))
_subtitle = TextRule(TypeAdapter(Subtitle))
_position = TextRule(TypeAdapter(SeriesPosition))
_WEIGHT: TypeAdapter[int] = TypeAdapter(WeightGrams)
_PAGES: TypeAdapter[int] = TypeAdapter(Pages)
_ELIDED = ("'", "\u2019", "-")
"""What a title prefix ends with that is written together with the next word: L'."""

_MEASURED = re.compile(r"\d{1,7}(\.\d{1,6})?", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_TITLE_PARTS = (
    "TitleElementLevel",
    "SequenceNumber",
    "NoPrefix",
    "TitleText",
    "TitlePrefix",
    "TitleWithoutPrefix",
)
_SUBJECT_PARTS = (
    "SubjectSchemeIdentifier",
    "SubjectSchemeName",
    "SubjectCode",
    "SubjectHeadingText",
    "MainSubject",
)


def read_descriptive(block: Part, parsed: ParsedProduct) -> None:
    """Read everything of the block; what is absent is emptied, save the title."""
    block.use_if("ProductComposition", code_lists.SINGLE_ITEM)
    parsed.put("format", code_lists.format_of, block.peek("ProductForm"))
    block.use_if("ProductForm", *code_lists.FORMAT_CODES.values(), code_lists.UNDEFINED_FORM)
    _read_title(block, parsed)
    _read_series(block, parsed)
    _number_volume(parsed)
    parsed.take("edition_statement", _line, block, "EditionStatement")
    _read_language(block, parsed)
    _read_pages(block, parsed)
    _read_weight(block, parsed)
    read_contributors(block, parsed)
    _read_subjects(block, parsed)


def _read_title(block: Part, parsed: ParsedProduct) -> None:
    """Read title and subtitle; of a volume the set's title, its number and its own title together.

    Each volume of a set is a work of its own, and titles are what works are told apart by.
    """
    parsed.values["subtitle"] = None
    details = block.all("TitleDetail")
    detail = _best(details, "TitleType", code_lists.TITLE_TYPES) or next(iter(details), None)
    element = detail and (_of_level(detail, code_lists.PRODUCT_LEVEL) or detail.find("TitleElement"))
    if detail is None or element is None:
        return
    own, number = parsed.line(title_of(element)), parsed.line(element.peek("PartNumber"))
    above = _of_level(detail, code_lists.COLLECTION_LEVEL)
    of_set = parsed.line(title_of(above)) if above else ""
    if not number:
        title = own or of_set
    elif of_set and not own.casefold().startswith(of_set.casefold()):
        title = _numbered(of_set, number) + (f": {own}" if own else "")
    else:
        title = _numbered(own, number)
    if not title or not _put_title(parsed, title, own or of_set):
        return
    detail.use("TitleType")
    for used in (element, above) if above else (element,):
        used.use(*_TITLE_PARTS)
    if number and parsed.values["title"] != own:
        element.use("PartNumber")
    parsed.take("subtitle", _subtitle, element, "Subtitle")


def _put_title(parsed: ParsedProduct, title: str, without_number: str) -> bool:
    """Note the title, were it too long without the number of the volume; True if it is taken."""
    try:
        parsed.values["title"] = _title(title)
    except ValueError as refusal:
        if without_number in {"", title}:
            parsed.refuse("title", refusal)
            return False
        parsed.warn("title", refusal, title)
        return _put_title(parsed, without_number, "")
    return True


def _number_volume(parsed: ParsedProduct) -> None:
    """Number a volume that is called as its series, but for the first: many a series is called as its first book."""
    values = parsed.values
    title, series, position = (values.get(name) for name in ("title", "series", "series_position"))
    if not title or not series or not position or parsed.is_own:
        return
    number = _NUMBER.search(position)
    is_first = number is not None and int(number[0]) == 1
    if title.casefold() == series.casefold() and not is_first:
        _put_title(parsed, _numbered(title, position), title)


def _numbered(title: str, number: str) -> str:
    """`Bleach 3`, `Collected Works, Volume 1`; a title that says its number already stays."""
    if not title or title.casefold().endswith(f" {number.casefold()}"):
        return title or number
    return f"{title} {number}" if number.isdigit() else f"{title}, {number}"


def _without_number(title: str, number: str) -> str:
    """The title of a set without the number of the volume behind it; `Catch 22` is all title."""
    between = r"(?:[,;:]\s{0,3}|\s{1,3}(?=[a-z]))(?:(?:vol|volume|bd|band|part|teil|book|no|nr)\.?\s{0,3})?"
    return re.sub(rf"{between}{re.escape(number)}$", "", title, flags=re.IGNORECASE) if number else title


def _read_series(block: Part, parsed: ParsedProduct) -> None:
    """Read the series, which is the collection, else the set that the title makes the book a volume of."""
    parsed.values |= {"series": None, "series_position": None}
    collection = _best(
        block.all("Collection"),
        "CollectionType",
        (code_lists.PUBLISHER_COLLECTION, code_lists.UNSPECIFIED_COLLECTION),
    ) or block.find("Collection")
    detail = collection and _best(collection.all("TitleDetail"), "TitleType", code_lists.TITLE_TYPES)
    within = detail or _best(block.all("TitleDetail"), "TitleType", code_lists.TITLE_TYPES)
    if within is None:
        return
    product = _of_level(within, code_lists.PRODUCT_LEVEL)
    named = _of_level(within, code_lists.COLLECTION_LEVEL)
    if named is None and detail is None and product and product.peek("PartNumber"):
        named = product
    name = parsed.line(title_of(named)) if named else ""
    if named is product and product:
        name = _without_number(name, parsed.line(product.peek("PartNumber")))
    if named is None or not name or not parsed.put("series", _line, name):
        return
    if collection:
        collection.use_if("CollectionType", code_lists.UNSPECIFIED_COLLECTION)
    named.use(*_TITLE_PARTS)
    if detail:
        detail.use("TitleType")
    _read_position(parsed, within, named, collection)


def _read_position(parsed: ParsedProduct, within: Part, named: Part, collection: Part | None) -> None:
    product = _of_level(within, code_lists.PRODUCT_LEVEL)
    if product and product.peek("PartNumber"):
        parsed.take("series_position", _position, product, "PartNumber")
        product.use("TitleElementLevel", "SequenceNumber")
        return
    for sequence in collection.all("CollectionSequence") if collection else ():
        if number := sequence.peek("CollectionSequenceNumber"):
            parsed.put("series_position", _position, number)
            return
    parsed.take("series_position", _position, named, "PartNumber")


def _read_language(block: Part, parsed: ParsedProduct) -> None:
    parsed.values["language"] = None
    for language in block.all("Language"):
        if language.peek("LanguageRole") == code_lists.MAIN_LANGUAGE and language.peek("LanguageCode"):
            names = ("LanguageCode", "ScriptCode", "CountryCode")
            tag = "-".join(filter(None, (language.peek(one) for one in names)))
            if parsed.put("language", language_of, tag):
                language.use("LanguageRole", *names)
            return


def _read_pages(block: Part, parsed: ParsedProduct) -> None:
    counted = [one for one in block.all("Extent") if one.peek("ExtentUnit") == code_lists.PAGES_UNIT]
    extent = _best(counted, "ExtentType", code_lists.PAGE_COUNTS)
    value = extent.peek("ExtentValue") if extent else ""
    parsed.values["pages"] = None
    if not extent or not value.strip("0"):
        return
    is_read = parsed.put("pages", partial(read_integer, _PAGES), value)
    if is_read and extent.peek("ExtentType") == code_lists.PAGE_COUNTS[0]:
        extent.use()


def _read_weight(block: Part, parsed: ParsedProduct) -> None:
    """Read the weight of one copy; a message without any leaves what the shop weighed itself."""
    for measure in block.all("Measure"):
        grams = code_lists.GRAMS.get(measure.peek("MeasureUnitCode"))
        if grams is None or measure.peek("MeasureType") != code_lists.UNIT_WEIGHT:
            continue
        if measure.peek("Measurement").strip("0."):
            if parsed.put("weight_grams", partial(_grams, grams), measure.peek("Measurement")):
                measure.use()
            return


def _grams(factor: Decimal, measured: str) -> int:
    if _MEASURED.fullmatch(measured) is None:
        raise FieldRefused("must be a number such as 310 or 0.31", "not-a-number")
    return checked(_WEIGHT, int((Decimal(measured) * factor).to_integral_value(ROUND_HALF_UP)))


def _read_subjects(block: Part, parsed: ParsedProduct) -> None:
    """Read all with a code of a known scheme, main subjects first; the others stay raw, and those beyond the limit."""
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    for part in sorted(block.all("Subject"), key=lambda one: one.find("MainSubject") is None):
        subject = _subject(part, parsed)
        if subject is None or len(found) == MOST_SUBJECTS:
            continue
        scheme, code = subject.scheme.value, subject.code
        found.setdefault((scheme, code), {"scheme": scheme, "code": code, "heading": subject.heading})
        part.use(*_SUBJECT_PARTS)
    parsed.values["subjects"] = list(found.values())


def _subject(part: Part, parsed: ParsedProduct) -> Subject | None:
    sender = parsed.message.sender
    identifier, code = part.peek("SubjectSchemeIdentifier"), part.peek("SubjectCode")
    scheme = code_lists.SUBJECT_SCHEMES.get(identifier)
    if identifier == code_lists.PROPRIETARY_SCHEME and sender and part.peek("SubjectSchemeName") == sender:
        scheme = SubjectScheme.OWN.value
    if scheme is None or not code:
        return None
    heading = parsed.line(part.peek("SubjectHeadingText")) or None
    try:
        return Subject(scheme=SubjectScheme(scheme), code=code, heading=heading)
    except ValidationError:
        return None


def _best(parts: Iterable[Part], name: str, wanted: tuple[str, ...]) -> Part | None:
    """The part whose code stands first in the list."""
    ranked = [(wanted.index(code), part) for part in parts if (code := part.peek(name)) in wanted]
    return min(ranked, key=lambda one: one[0])[1] if ranked else None


def _of_level(detail: Part, level: str) -> Part | None:
    elements = detail.all("TitleElement")
    return next((one for one in elements if one.peek("TitleElementLevel") == level), None)


def title_of(element: Part) -> str:
    """The title of an element, with its prefix; "" where it has none."""
    if text := element.peek("TitleText"):
        return text
    prefix, rest = element.peek("TitlePrefix"), element.peek("TitleWithoutPrefix")
    between = "" if not prefix or not rest or prefix.endswith(_ELIDED) else " "
    return f"{prefix}{between}{rest}"
