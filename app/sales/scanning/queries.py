"""Finds items by their codes."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import SQLColumnExpression, Text, cast, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import Book, Item
from app.sales.scanning.codes import ScannedCode, read_code
from app.sales.scanning.errors import CodeNotFound


class ScannedItem(NamedTuple):
    """The item of the code in a field, and the digits beside its bar code."""

    field: str
    item_id: int
    add_on: str | None


async def find_scanned(connection: AsyncConnection, codes: Mapping[str, str]) -> Sequence[ScannedItem]:
    """Find the items of codes that came in these fields. Raises CodeNotFound about the first that has none."""
    read = {field: _read(field, code) for field, code in codes.items()}
    by_isbn = select(Book.isbn13, Book.item_id).where(Book.isbn13.in_([one.isbn for one in read.values()]))
    by_sku = select(Item.sku, Item.id).where(Item.sku.in_([one.sku for one in read.values()]))
    number: SQLColumnExpression[str | None] = cast(Item.id, Text)
    by_id = select(number, Item.id).where(Item.id.in_([one.item_id for one in read.values()]))
    ids = dict((await connection.execute(union_all(by_isbn, by_sku, by_id))).all())
    items = []
    for field, one in read.items():
        item_id = ids.get(one.isbn or one.sku or str(one.item_id))
        if item_id is None:
            raise _not_found(field, f"There is no item with {_said(one)}.")
        items.append(ScannedItem(field, item_id, one.add_on))
    return items


def _read(field: str, code: str) -> ScannedCode:
    try:
        return read_code(code)
    except ValueError as reason:
        raise _not_found(field, f"“{code}” is no code of an item: {reason}.") from None


def _said(code: ScannedCode) -> str:
    if code.isbn:
        return f"the ISBN {code.isbn}"
    return f"the SKU {code.sku}" if code.sku else f"the number {code.item_id} of this shop's labels"


def _not_found(field: str, message: str) -> CodeNotFound:
    return CodeNotFound(message, errors=CodeNotFound.about(field, message))
