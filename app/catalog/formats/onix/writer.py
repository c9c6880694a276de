"""Writes books as an ONIX 3.0 message with reference names; without lxml, since the API streams it."""

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from app.catalog.books.fields import ExportedBook
from app.catalog.formats.cell_text import looks_like_html, preformatted
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.dates import onix_date, onix_year
from app.catalog.languages import TWO_LETTERS
from app.catalog.subjects import SubjectScheme

NAMESPACE = "http://ns.editeur.org/onix/3.0/reference"

_BIBLIOGRAPHIC = re.findall(
    r"\w+", "alb arm baq bur chi cze dut fre geo ger gre ice mac mao may per rum slo tib wel"
)
"""ISO 639-2 has two codes for these languages; list 74 of ONIX has the bibliographic ones."""

_THREE_LETTERS = {two: three for three, two in TWO_LETTERS.items()} | {
    TWO_LETTERS[three]: three for three in _BIBLIOGRAPHIC
}
_NO_CHARACTER_OF_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SCRIPT, _COUNTRY = 4, 2


class OnixExport:
    """The bytes of an ONIX message: header, a product for each book, footer.

    A book is a full record (notification 03) whose record reference stays the same for ever. Tags, SKU,
    categories, how the title is filed and what suppliers have are not of the record; an import leaves them alone.
    """

    media_type = "application/xml"
    extension = "xml"

    def __init__(self, public_url: str, sent_at: datetime) -> None:
        self._sender = sender_of(public_url)
        self._sent_at = sent_at

    def header(self) -> bytes:
        """XML declaration, root and message header."""
        sender = _wrap("Sender", _element("SenderName", self._sender))
        sent = _element("SentDateTime", f"{self._sent_at:%Y%m%dT%H%M%SZ}")
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<ONIXMessage xmlns="{NAMESPACE}" release="3.0">\n{_wrap("Header", sender, sent)}\n'
        ).encode()

    def product(self, book: ExportedBook) -> bytes:
        """One book as a full record."""
        publishing = list(_publishing(book))
        blocks = (
            _element("RecordReference", f"{self._sender}.{book.id}"),
            _element("NotificationType", code_lists.CONFIRMED),
            _identifier(book),
            _wrap("DescriptiveDetail", *_descriptive(book, self._sender)),
            _collateral(book),
            _wrap("PublishingDetail", *publishing) if publishing else "",
            _wrap("ProductSupply", _wrap("SupplyDetail", *_supply(book, self._sender))),
        )
        return f"{_wrap('Product', *blocks)}\n".encode()

    def footer(self) -> bytes:
        """The end of the root."""
        return b"</ONIXMessage>\n"


def sender_of(public_url: str) -> str:
    """The name that this shop's own exports are sent under, and that their record references begin with."""
    return urlsplit(public_url).netloc or public_url


def _text(content: str) -> str:
    return escape(_NO_CHARACTER_OF_XML.sub("\ufffd", content), {"\r": "&#13;"})


def _element(name: str, content: str, **attributes: str) -> str:
    written = "".join(f' {key}="{_text(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{_text(content)}</{name}>"


def _wrap(name: str, *inner: str) -> str:
    return f"<{name}>{''.join(inner)}</{name}>"


_UNKNOWN_PUBLISHER = _wrap(
    "PublisherIdentifier",
    _element("PublisherIDType", code_lists.PROPRIETARY),
    _element("IDTypeName", code_lists.SHOP_PUBLISHER),
    _element("IDValue", "unknown"),
)


def _identifier(book: ExportedBook) -> str:
    if book.isbn13:
        kind = _element("ProductIDType", code_lists.ISBN_TYPES[0])
        return _wrap("ProductIdentifier", kind, _element("IDValue", book.isbn13))
    kind = _element("ProductIDType", code_lists.PROPRIETARY)
    name = _element("IDTypeName", code_lists.SHOP_ITEM_ID)
    return _wrap("ProductIdentifier", kind, name, _element("IDValue", str(book.id)))


def _descriptive(book: ExportedBook, sender: str) -> Iterator[str]:
    yield _element("ProductComposition", code_lists.SINGLE_ITEM)
    yield _element("ProductForm", code_lists.FORMAT_CODES.get(book.format or "", code_lists.UNDEFINED_FORM))
    if book.weight_grams:
        weight = (
            _element("MeasureType", code_lists.UNIT_WEIGHT),
            _element("Measurement", str(book.weight_grams)),
        )
        yield _wrap("Measure", *weight, _element("MeasureUnitCode", "gr"))
    if book.series:
        position = book.series_position
        part = _title_element(code_lists.PRODUCT_LEVEL, _element("PartNumber", position)) if position else ""
        named = _title_element(code_lists.COLLECTION_LEVEL, _element("TitleText", book.series))
        kind = _element("CollectionType", code_lists.UNSPECIFIED_COLLECTION)
        yield _wrap("Collection", kind, _title(part, named))
    subtitle = _element("Subtitle", book.subtitle) if book.subtitle else ""
    yield _title(_title_element(code_lists.PRODUCT_LEVEL, _element("TitleText", book.title), subtitle))
    for number, (name, role) in enumerate(book.contributors, start=1):
        yield _wrap(
            "Contributor",
            _element("SequenceNumber", str(number)),
            _element("ContributorRole", code_lists.ROLE_CODES[role]),
            _element("PersonName", name),
        )
    if book.edition_statement:
        yield _element("EditionStatement", book.edition_statement)
    if book.language:
        yield _language(book.language)
    if book.pages:
        counted = (
            _element("ExtentType", code_lists.PAGE_COUNTS[0]),
            _element("ExtentValue", str(book.pages)),
        )
        yield _wrap("Extent", *counted, _element("ExtentUnit", code_lists.PAGES_UNIT))
    for subject in book.subjects:
        yield _subject(subject, sender)


def _title(*elements: str) -> str:
    return _wrap("TitleDetail", _element("TitleType", code_lists.DISTINCTIVE_TITLE), *elements)


def _title_element(level: str, *inner: str) -> str:
    return _wrap("TitleElement", _element("TitleElementLevel", level), *inner)


def _language(tag: str) -> str:
    first, *rest = tag.split("-")
    country = [_element("CountryCode", one) for one in rest if len(one) == _COUNTRY]
    script = [_element("ScriptCode", one) for one in rest if len(one) == _SCRIPT and one.isalpha()]
    code = _element("LanguageCode", _THREE_LETTERS.get(first, first))
    return _wrap(
        "Language", _element("LanguageRole", code_lists.MAIN_LANGUAGE), code, *country[:1], *script[:1]
    )


def _subject(subject: dict[str, str | None], sender: str) -> str:
    code, name = subject["code"] or "", ""
    if subject["scheme"] == SubjectScheme.THEMA:
        scheme = code_lists.scheme_of_thema(code)
    elif subject["scheme"] == SubjectScheme.BISAC:
        scheme = code_lists.BISAC_HEADING
    else:
        scheme, name = code_lists.PROPRIETARY_SCHEME, _element("SubjectSchemeName", sender)
    text = subject.get("heading")
    heading = _element("SubjectHeadingText", text) if text else ""
    return _wrap(
        "Subject",
        _element("SubjectSchemeIdentifier", scheme),
        name,
        _element("SubjectCode", code),
        heading,
    )


def _collateral(book: ExportedBook) -> str:
    if not book.description:
        return ""
    if looks_like_html(book.description):
        text = _element("Text", preformatted(book.description), textformat="02")
    else:
        text = _element("Text", book.description, textformat="06")
    kind = _element("TextType", code_lists.DESCRIPTION_TYPES[0])
    content = _wrap("TextContent", kind, _element("ContentAudience", code_lists.ANYBODY), text)
    return _wrap("CollateralDetail", content)


def _publishing(book: ExportedBook) -> Iterator[str]:
    if not (book.publisher or book.published_on or book.first_published is not None):
        return
    # Dates need a publisher beside them: where none is known, one without a name.
    named = _element("PublisherName", book.publisher) if book.publisher else _UNKNOWN_PUBLISHER
    yield _wrap("Publisher", _element("PublishingRole", code_lists.PUBLISHER_ROLE), named)
    if book.published_on:
        yield _date(code_lists.PUBLICATION, *onix_date(book.published_on))
    if book.first_published is not None:
        yield _date(code_lists.FIRST_PUBLICATION, *onix_year(book.first_published))


def _date(role: str, text: str, form: str) -> str:
    dated = _element("Date", text, dateformat=form)
    return _wrap("PublishingDate", _element("PublishingDateRole", role), dated)


def _supply(book: ExportedBook, sender: str) -> Iterator[str]:
    role = _element("SupplierRole", code_lists.UNSPECIFIED_SUPPLIER)
    yield _wrap("Supplier", role, _element("SupplierName", sender))
    yield _element("ProductAvailability", code_lists.IN_STOCK if book.quantity else code_lists.OUT_OF_STOCK)
    yield _wrap("Stock", _element("OnHand", str(book.quantity)))
    if book.price is None:
        yield _element("UnpricedItemType", code_lists.PRICE_TO_BE_ANNOUNCED)
        return
    kind = code_lists.FIXED_WITH_TAX if book.is_price_fixed else code_lists.RECOMMENDED_WITH_TAX
    yield _wrap(
        "Price",
        _element("PriceType", kind),
        _element("PriceAmount", f"{book.price:.2f}"),
        _element("CurrencyCode", book.currency),
    )
