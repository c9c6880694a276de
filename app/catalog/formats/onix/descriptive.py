"""Block 1, descriptive detail: form, title, series, edition, language, extent, subjects."""

from collections.abc import Iterable

from pydantic import TypeAdapter, ValidationError

from app.catalog.books.schemas import Pages, SeriesPosition
from app.catalog.formats.numbers import plain_digits
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.contributors import read_contributors
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.texts import TextRule, checked
from app.catalog.goods.schemas import ShortLine, Title
from app.catalog.languages import language_of
from app.catalog.subjects import MOST_SUBJECTS, Subject, SubjectScheme

_title = TextRule(TypeAdapter(Title))
_line = TextRule(TypeAdapter(ShortLine))
_position = TextRule(TypeAdapter(SeriesPosition))
_PAGES: TypeAdapter[int] = TypeAdapter(Pages)
_ELIDED = ("'", "\u2019", "-")
"""What a title prefix ends with that is written together with the next word: L'."""

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
    parsed.values["format"] = code_lists.format_of(block.peek("ProductForm"))
    block.use_if("ProductForm", *code_lists.FORMAT_CODES.values(), code_lists.UNDEFINED_FORM)
    _read_title(block, parsed)
    _read_series(block, parsed)
    parsed.put_or_empty("edition_statement", _line, block.take("EditionStatement"))
    _read_language(block, parsed)
    _read_pages(block, parsed)
    read_contributors(block, parsed)
    _read_subjects(block, parsed)


def _read_title(block: Part, parsed: ParsedProduct) -> None:
    parsed.values["subtitle"] = None
    detail = _best(block.all("TitleDetail"), "TitleType", code_lists.TITLE_TYPES)
    element = _of_level(detail, code_lists.PRODUCT_LEVEL) if detail else None
    if detail is None or element is None:
        return
    text, subtitle = take_title(element), element.take("Subtitle")
    detail.use("TitleType")
    element.use("TitleElementLevel", "SequenceNumber", "NoPrefix")
    above = _of_level(detail, code_lists.COLLECTION_LEVEL)
    if not text and above:
        text = f"{take_title(above)} {element.take('PartNumber')}".strip()
        above.use("TitleElementLevel", "SequenceNumber", "NoPrefix")
    if text:
        parsed.put("title", _title, text)
    parsed.put_or_empty("subtitle", _line, subtitle)


def _read_series(block: Part, parsed: ParsedProduct) -> None:
    collection = _best(
        block.all("Collection"),
        "CollectionType",
        (code_lists.PUBLISHER_COLLECTION, code_lists.UNSPECIFIED_COLLECTION),
    ) or block.find("Collection")
    detail = collection and _best(collection.all("TitleDetail"), "TitleType", code_lists.TITLE_TYPES)
    within = detail or _best(block.all("TitleDetail"), "TitleType", code_lists.TITLE_TYPES)
    named = _of_level(within, code_lists.COLLECTION_LEVEL) if within else None
    parsed.values |= {"series": None, "series_position": None}
    if within is None or named is None:
        return
    if collection:
        collection.use_if("CollectionType", code_lists.UNSPECIFIED_COLLECTION)
    parsed.put_or_empty("series", _line, take_title(named))
    named.use("TitleElementLevel", "SequenceNumber", "NoPrefix")
    if detail:
        detail.use("TitleType")
    if parsed.values.get("series"):
        parsed.put_or_empty("series_position", _position, _take_position(within, named, collection))


def _take_position(within: Part, named: Part, collection: Part | None) -> str:
    product = _of_level(within, code_lists.PRODUCT_LEVEL)
    if product and product.peek("PartNumber"):
        product.use("TitleElementLevel", "SequenceNumber")
        return product.take("PartNumber")
    for sequence in collection.all("CollectionSequence") if collection else ():
        if number := sequence.peek("CollectionSequenceNumber"):
            return number
    return named.take("PartNumber")


def _read_language(block: Part, parsed: ParsedProduct) -> None:
    parsed.values["language"] = None
    for language in block.all("Language"):
        if language.peek("LanguageRole") == code_lists.MAIN_LANGUAGE and language.peek("LanguageCode"):
            names = ("LanguageCode", "ScriptCode", "CountryCode")
            parsed.put("language", language_of, "-".join(filter(None, (language.take(one) for one in names))))
            language.use("LanguageRole")
            return


def _read_pages(block: Part, parsed: ParsedProduct) -> None:
    counted = [one for one in block.all("Extent") if one.peek("ExtentUnit") == code_lists.PAGES_UNIT]
    extent = _best(counted, "ExtentType", code_lists.PAGE_COUNTS)
    value = extent.peek("ExtentValue") if extent else ""
    parsed.values["pages"] = None
    if extent and value.strip("0"):
        parsed.put("pages", lambda text: checked(_PAGES, int(plain_digits(text, "pages"))), value)
        if extent.peek("ExtentType") == code_lists.PAGE_COUNTS[0]:
            extent.use()


def _read_subjects(block: Part, parsed: ParsedProduct) -> None:
    """Read all with a code of a known scheme, main subjects first; the others stay raw, and those beyond the limit."""
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    for part in sorted(block.all("Subject"), key=lambda one: one.find("MainSubject") is None):
        subject = _subject(part, parsed.message.sender)
        if subject is None or len(found) == MOST_SUBJECTS:
            continue
        scheme, code = subject.scheme.value, subject.code
        found.setdefault((scheme, code), {"scheme": scheme, "code": code, "heading": subject.heading})
        part.use(*_SUBJECT_PARTS)
    parsed.values["subjects"] = list(found.values())


def _subject(part: Part, sender: str) -> Subject | None:
    identifier, code = part.peek("SubjectSchemeIdentifier"), part.peek("SubjectCode")
    scheme = code_lists.SUBJECT_SCHEMES.get(identifier)
    if identifier == code_lists.PROPRIETARY_SCHEME and sender and part.peek("SubjectSchemeName") == sender:
        scheme = SubjectScheme.OWN.value
    if scheme is None or not code:
        return None
    heading = part.peek("SubjectHeadingText") or None
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


def take_title(element: Part) -> str:
    """The title of an element, with its prefix; "" where it has none."""
    if text := element.take("TitleText"):
        return text
    prefix, rest = element.take("TitlePrefix"), element.take("TitleWithoutPrefix")
    between = "" if not prefix or not rest or prefix.endswith(_ELIDED) else " "
    return f"{prefix}{between}{rest}"
