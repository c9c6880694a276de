"""Editing items of every kind: a book is edited as a book, whatever the address."""

from collections.abc import Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.books.schemas import BookIn, BookPatch
from app.catalog.books.service import BookService
from app.catalog.goods.errors import KindFixed
from app.catalog.goods.pictures import StoredPicture
from app.catalog.goods.schemas import GoodsIn, ItemKind
from app.catalog.goods.service import GoodsService
from app.catalog.items.schemas import ItemIn, ItemPatch
from app.catalog.models import Item
from app.core.http.conditional import Precondition
from app.identity.principal import Principal

_FIXED = frozenset({ItemKind.BOOK, ItemKind.BUNDLE})


class ItemService:
    """Edits items by their kind."""

    def __init__(self, goods: GoodsService, books: BookService) -> None:
        self._goods = goods
        self._books = books

    @classmethod
    def build(cls, session: AsyncSession, currency: str) -> Self:
        """Compose it on one session; prices are in `currency` (ISO 4217)."""
        return cls(GoodsService.build(session, currency), BookService.build(session, currency))

    async def create(self, seller: Principal, request: ItemIn, pictures: Sequence[StoredPicture] = ()) -> int:
        """List an item as the seller's own, a book where the request describes one; returns its id.

        Raises SkuTaken, IsbnTaken, DuplicateContributor.
        """
        kind = request.stated_kind or ItemKind.OTHER
        if kind is ItemKind.BOOK:
            book = BookIn.model_validate(request.model_dump(exclude={"kind"}))
            return await self._books.create(seller, book, pictures)
        return (await self._goods.create(seller, request, kind, pictures)).id

    async def replace(
        self, editor: Principal, item_id: int, precondition: Precondition, request: ItemIn
    ) -> None:
        """Set every field that items have, and of a book author and ISBN where they are sent.

        Raises ItemNotFound, NotYourItem, StaleVersion, KindFixed, and the errors of `create`.
        """
        item = await self._goods.lock(editor, item_id, precondition)
        set_kind(item, request.stated_kind)
        if item.kind == ItemKind.BOOK:
            shared = request.model_dump(include=set(GoodsIn.model_fields))
            bookish = request.model_dump(include={"author", "isbn"}, exclude_none=True)
            await self._books.edit(editor, item, BookPatch.model_validate(shared | bookish))
        else:
            await self._goods.change(editor, item, request)

    async def change(
        self, editor: Principal, item_id: int, precondition: Precondition, patch: ItemPatch
    ) -> None:
        """Set the fields that were sent. Raises as `replace`."""
        item = await self._goods.lock(editor, item_id, precondition)
        set_kind(item, patch.kind)
        sent = patch.model_dump(exclude_unset=True, exclude={"kind"})
        # The kind alone is an edit too: it raises the version.
        if item.kind == ItemKind.BOOK and sent:
            await self._books.edit(editor, item, BookPatch.model_validate(sent))
        else:
            await self._goods.change(editor, item, patch)

    async def delete(self, editor: Principal, item_id: int, precondition: Precondition) -> None:
        """Delete an item of any kind. Raises ItemNotFound, NotYourItem, StaleVersion."""
        await self._goods.delete(editor, await self._goods.lock(editor, item_id, precondition))


def set_kind(item: Item, kind: ItemKind | None) -> None:
    """Set the kind that was stated, if any. Raises KindFixed: books and bundles stay such, and nothing else becomes one."""
    if kind is None:
        return
    if kind != item.kind and not _FIXED.isdisjoint({kind, item.kind}):
        raise KindFixed(
            "A book stays a book, a bundle a bundle, and no other item becomes one; create a new one."
        )
    item.kind = kind.value
