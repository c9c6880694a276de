"""One product of an ONIX message as a record of the import."""

from app.catalog.formats.numbers import item_id_of
from app.catalog.formats.onix import codes
from app.catalog.formats.onix.descriptive import read_descriptive, take_title
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.onix.publishing import read_collateral, read_publishing
from app.catalog.formats.onix.reading import Message, Reading
from app.catalog.formats.onix.repository import UNMAPPED
from app.catalog.formats.onix.supply import read_supply
from app.catalog.formats.onix.unmapped import as_json, unmapped_parts
from app.catalog.formats.record import Action, Record
from app.catalog.formats.texts import FieldRefused
from app.catalog.isbn import parse_isbn

COLUMNS = ["record_reference", "isbn", "title"]
_BLOCKS = {
    "DescriptiveDetail": read_descriptive,
    "CollateralDetail": read_collateral,
    "PublishingDetail": read_publishing,
}
_SUPPLY = "ProductSupply"
_KNOWN_BLOCKS = frozenset({*_BLOCKS, _SUPPLY, "ContentDetail", "RelatedMaterial"})


def record_of(product: Part, number: int, message: Message) -> Record:
    """The record of a product: a full record speaks of every block, an update of those that it has."""
    reading = Reading(message)
    reference = product.take("RecordReference")
    action = _action(product, reading)
    isbn = _isbn(product, reading)
    if not reading.problems and action is not Action.DELETE:
        _read_blocks(product, reading, is_full_record=action is Action.PUT)
    raw = {
        "record_reference": reference,
        "isbn": _printed_isbn(product),
        "title": _shown_title(product, reading),
    }
    if not reading.problems and action is not Action.DELETE:
        parts = unmapped_parts(product, _KNOWN_BLOCKS)
        unmapped = as_json(parts, is_full_record=action is Action.PUT)
        raw |= {UNMAPPED: unmapped} if unmapped else {}
    item_id = _item_id(product, reading) if isbn is None else None
    return Record(number, raw, isbn, item_id, reading.values, reading.problems, action)


def _read_blocks(product: Part, reading: Reading, *, is_full_record: bool) -> None:
    for name, read in _BLOCKS.items():
        block = product.find(name)
        if block is None and is_full_record:
            block = Part(name, product.element)
        if block is not None:
            read(block, reading)
    read_supply(product.all(_SUPPLY), reading)


def _action(product: Part, reading: Reading) -> Action:
    code = product.take("NotificationType")
    action = codes.NOTIFICATIONS.get(code)
    if action is not None:
        return action
    if code in codes.TEST_NOTIFICATIONS:
        message = f"the record is a test (notification type {code}) and is not data"
    else:
        message = f"the notification type {code or '(none)'} is not understood: 01, 02, 03, 04 or 05"
    reading.refuse("notification_type", FieldRefused(message, "unknown-notification"))
    return Action.PUT


def _isbn(product: Part, reading: Reading) -> str | None:
    """The ISBN-13 of the best identifier that is one; each identifier that says the same is marked as used."""
    refusal, found = None, None
    for wanted in codes.ISBN_TYPES:
        for identifier in product.all("ProductIdentifier"):
            value = identifier.peek("IDValue")
            if identifier.peek("ProductIDType") != wanted or _is_other_article(wanted, value):
                continue
            try:
                isbn = parse_isbn(value)
            except ValueError as reason:
                refusal = reason
                continue
            found = found or isbn
            if isbn == found:
                identifier.use()
    if found is None and refusal is not None:
        reading.refuse("isbn", refusal)
    return found


def _item_id(product: Part, reading: Reading) -> int | None:
    """The id that an export of this shop gives a book without ISBN."""
    for identifier in product.all("ProductIdentifier"):
        if identifier.peek("IDTypeName") == codes.SHOP_ITEM_ID:
            identifier.use()
            try:
                return item_id_of(identifier.peek("IDValue"))
            except ValueError as refusal:
                reading.refuse("shop_item_id", refusal)
    return None


def _is_other_article(kind: str, value: str) -> bool:
    return kind == "03" and not value.lstrip().startswith(("978", "979"))  # a GTIN-13 of something else


def _printed_isbn(product: Part) -> str:
    values = {one.peek("ProductIDType"): one.peek("IDValue") for one in product.all("ProductIdentifier")}
    return next((values[kind] for kind in codes.ISBN_TYPES if values.get(kind)), "")


def _shown_title(product: Part, reading: Reading) -> str:
    if title := reading.values.get("title"):
        return str(title)
    elements = product.leaves("DescriptiveDetail", "TitleDetail", "TitleElement")
    return next((title for element in elements if (title := take_title(element))), "")
