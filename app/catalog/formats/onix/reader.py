"""Reads ONIX messages of any size as records, without DTD, entities or network."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lxml.etree import ErrorLevels, XMLPullParser, XMLSyntaxError, _Element

from app.catalog.formats.decoding import CHUNK, true_encoding
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.onix.characters import Characters, drop_marks
from app.catalog.formats.onix.guard import HEAD, WAY_OUT, check_opening
from app.catalog.formats.onix.parsed import Message
from app.catalog.formats.onix.parts import Part, part_of
from app.catalog.formats.onix.prices import Shop
from app.catalog.formats.onix.products import COLUMNS, record_of
from app.catalog.formats.onix.tags import NAMESPACES, ROOTS
from app.catalog.formats.onix.territories import Place
from app.catalog.formats.record import Record, SourceOptions
from app.core.clock import shop_today

MOST_BYTES_WITHOUT_PRODUCT = 4 * 1024 * 1024
"""No product, and nothing between two of them, may be larger: all of it is in memory at once."""

_PRODUCTS = frozenset({"Product", "product"})
_HEADERS = frozenset({"Header", "header"})
_RELEASE = re.compile(r"3\.[01](\.\d{1,2})?", re.ASCII)
"""Some senders state the revision, too."""

_TAGS = [f"{{*}}{name}" for name in sorted(ROOTS | _PRODUCTS | _HEADERS)]


class OnixSource:
    """An ONIX 3.0 message, reference names or short tags, opened for reading (`Source`).

    Opening raises SourceRefused for what is no such message. Broken or truncated XML raises it
    after the products before the damage were given out.
    """

    may_empty = True

    def __init__(self, path: Path, options: SourceOptions) -> None:
        self.columns = list(COLUMNS)
        self.ignored: list[str] = []
        self._read = 0
        shop = Shop(options.currency, shop_today(), Place(options.country, options.region))
        self._message = Message(shop, options.own_name, options.takes_stock)
        self._file = path.open("rb")
        try:
            stated = check_opening(self._file.read(HEAD), options.encoding)
            self._characters = Characters(true_encoding(path, stated))
        except BaseException:
            self._file.close()
            raise
        self._file.seek(0)

    def __iter__(self) -> Iterator[Record]:
        """The products from the first to the last; once."""
        for number, product in enumerate(self._products(), start=1):
            warning = drop_marks(product) if self._characters.has_marks else None
            record = record_of(part_of(product), number, self._message)
            if warning:
                record.warnings.append(warning)
            # Free the product and everything before it.
            product.clear()
            parent = product.getparent()
            while parent is not None and product.getprevious() is not None:
                del parent[0]
            yield record

    def position(self) -> int:
        """How many bytes of the file were read so far."""
        return self._read

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _products(self) -> Iterator[_Element]:
        parser = _parser()
        last_product_at = 0
        while chunk := self._file.read(CHUNK):
            self._read += len(chunk)
            text, refusal = self._characters.utf8(chunk)
            broken = _feed(parser, text) or refusal
            for product in self._finished(parser):
                last_product_at = self._read
                yield product
            if broken:
                raise broken
            if self._read - last_product_at > MOST_BYTES_WITHOUT_PRODUCT:
                raise SourceRefused(
                    f"More than {MOST_BYTES_WITHOUT_PRODUCT // 2**20} MiB without the end of a product, "
                    f"near byte {self._read}."
                )
        text, refusal = self._characters.utf8(b"")
        broken = _feed(parser, text) or refusal or _end(parser)
        yield from self._finished(parser)
        if broken:
            raise broken

    def _finished(self, parser: XMLPullParser) -> Iterator[_Element]:
        for event, element in parser.read_events():
            if not isinstance(element, _Element):
                continue
            name = str(element.tag).rpartition("}")[2]
            parent = element.getparent()
            if event == "start" and parent is None:
                _check_root(element)
            elif event == "end" and parent is not None and parent.getparent() is None:
                if name in _PRODUCTS:
                    yield element
                elif name in _HEADERS:
                    self._message = _with_header(self._message, part_of(element))


def _parser() -> XMLPullParser:
    return XMLPullParser(
        events=("start", "end"),
        tag=_TAGS,
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _feed(parser: XMLPullParser, chunk: bytes) -> SourceRefused | None:
    try:
        parser.feed(chunk)
    except XMLSyntaxError as error:
        return _broken(error.lineno, error.msg)
    # An entity that nothing declares stops the parser without an exception.
    fault = parser.feed_error_log.last_error
    return (
        _broken(fault.line, fault.message) if fault is not None and fault.level == ErrorLevels.FATAL else None
    )


def _end(parser: XMLPullParser) -> SourceRefused | None:
    try:
        parser.close()
    except XMLSyntaxError as error:
        return _broken(error.lineno, error.msg)
    return None


def _broken(line: int | None, message: str | None) -> SourceRefused:
    said = str(message).strip()
    hint = ""
    if "EntityRef" in said:
        hint = "; write &amp; for an ampersand"
    elif "Entity" in said:
        hint = "; write characters instead of named entities"
    return SourceRefused(f"The XML is broken or ends too early at line {line}: {said}{hint}.", line=line)


def _check_root(root: _Element) -> None:
    if root.getroottree().docinfo.internalDTD is not None:
        raise SourceRefused("The file has a document type declaration (DTD), which is not read.")
    namespace = str(root.tag)[1:].rpartition("}")[0] if str(root.tag).startswith("{") else ""
    release = root.get("release", "").strip()
    if release.startswith("2") or (not release and namespace not in NAMESPACES):
        stated = f"release {release}" if release else "no release"
        raise SourceRefused(f"The message has {stated}, which means ONIX 2.1 or older: {WAY_OUT}.")
    if (release and not _RELEASE.fullmatch(release)) or (namespace and namespace not in NAMESPACES):
        raise SourceRefused(
            f"The message is no ONIX 3.0: release {release or '(none)'}, namespace {namespace or '(none)'}."
        )


def _with_header(message: Message, header: Part) -> Message:
    sender = next((part.text for part in header.leaves("Sender", "SenderName")), "")
    return replace(
        message,
        sender=sender,
        default_currency=header.peek("DefaultCurrencyCode"),
        default_price_type=header.peek("DefaultPriceType"),
    )
