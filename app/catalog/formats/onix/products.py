"""One product of an ONIX message as a record of the import."""

from app.catalog.formats.numbers import read_item_id
from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.collateral import read_collateral
from app.catalog.formats.onix.descriptive import read_descriptive, title_of
from app.catalog.formats.onix.parsed import Message, ParsedProduct
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.onix.publishing import read_publishing
from app.catalog.formats.onix.repository import UNMAPPED
from app.catalog.formats.onix.supply import read_supply
from app.catalog.formats.onix.unmapped import as_json, unmapped_parts
from app.catalog.formats.record import Action, Record
from app.catalog.formats.texts import FieldRefused
from app.catalog.isbn import mistyped, parse_isbn

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
    reference = product.take("RecordReference")
    parsed = ParsedProduct(message, reference)
    action = _action(product, parsed)
    isbn = _isbn(product, parsed)
    if not parsed.problems and action is not Action.DELETE:
        _read_blocks(product, parsed, is_full_record=action is Action.PUT)
    item_id = _item_id(product, parsed) if isbn is None else None
    raw = _columns(product, parsed, reference)
    if not parsed.problems and action is not Action.DELETE:
        parts = unmapped_parts(product, _KNOWN_BLOCKS)
        unmapped = as_json(parts, is_full_record=action is Action.PUT)
        raw |= {UNMAPPED: unmapped} if unmapped else {}
    return Record(
        number,
        raw,
        isbn,
        item_id,
        parsed.values,
        parsed.problems,
        parsed.warnings,
        parsed.notes,
        action=action,
        mistyped_isbn=parsed.mistyped_isbn,
    )


def _read_blocks(product: Part, parsed: ParsedProduct, *, is_full_record: bool) -> None:
    for name, read in _BLOCKS.items():
        block = product.find(name)
        if block is None and is_full_record:
            block = Part(name, product.element)
        if block is not None:
            read(block, parsed)
    read_supply(product.all(_SUPPLY), parsed)


def _action(product: Part, parsed: ParsedProduct) -> Action:
    code = product.take("NotificationType")
    action = code_lists.NOTIFICATIONS.get(code)
    if action is not None:
        return action
    if code in code_lists.TEST_NOTIFICATIONS:
        message = f"the record is a test (notification type {code}) and is not data"
    else:
        message = f"the notification type {code or '(none)'} is not understood: 01, 02, 03, 04 or 05"
    parsed.refuse("notification_type", FieldRefused(message, "unknown-notification"))
    return Action.PUT


def _isbn(product: Part, parsed: ParsedProduct) -> str | None:
    """The ISBN-13 of the best identifier that is one; each identifier that says the same is marked as used."""
    refusal, found = None, None
    for wanted in code_lists.ISBN_TYPES:
        for identifier in product.all("ProductIdentifier"):
            value = identifier.peek("IDValue")
            # A GTIN-13 may be that of something else.
            is_other_article = wanted == "03" and not value.lstrip().startswith(("978", "979"))
            if identifier.peek("ProductIDType") != wanted or is_other_article:
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
        parsed.refuse("isbn", refusal)
        parsed.mistyped_isbn = mistyped(refusal)
    return found


def _item_id(product: Part, parsed: ParsedProduct) -> int | None:
    """The id that an export of this shop gives a book without ISBN."""
    for identifier in product.all("ProductIdentifier"):
        if identifier.peek("IDTypeName") == code_lists.SHOP_ITEM_ID:
            identifier.use()
            try:
                return read_item_id(identifier.peek("IDValue"))
            except ValueError as refusal:
                parsed.refuse("shop_item_id", refusal)
    return None


def _columns(product: Part, parsed: ParsedProduct, reference: str) -> dict[str, str]:
    """What `COLUMNS` show of the product, as its sender wrote it where it was not understood."""
    values = {one.peek("ProductIDType"): one.peek("IDValue") for one in product.all("ProductIdentifier")}
    isbn = next((values[kind] for kind in code_lists.ISBN_TYPES if values.get(kind)), "")
    title = str(parsed.values.get("title") or "")
    if not title:
        elements = product.leaves("DescriptiveDetail", "TitleDetail", "TitleElement")
        title = next((text for element in elements if (text := title_of(element))), "")
    return {"record_reference": reference, "isbn": isbn, "title": title}
