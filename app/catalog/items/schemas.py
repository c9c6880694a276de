"""What clients send of items, books among them."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from app.catalog.books.schemas import AuthorNames, Isbn
from app.catalog.goods.representations import ItemFields
from app.catalog.goods.schemas import GoodsFilter, GoodsIn, GoodsPatch, ItemKind, ItemKindIn, OwnerId
from app.catalog.index.criteria import AnyOf, NameOrId
from app.core.db.sorting import SplitKeys
from app.core.http.schemas import OMITTED


class ItemIn(GoodsIn):
    """A new item, or all of an item. With `author` or `isbn` it is a book."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "title": "Fountain pen",
        "description": "Writes finely.",
        "price": 24.9,
        "quantity": 12,
        "sku": "ST-000042",
        "tags": ["pen"],
        "kind": "stationery",
    }

    kind: ItemKindIn | None = Field(default=None, description="`book` with author or isbn, else `other`.")
    author: AuthorNames | None = None
    isbn: Isbn | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if (self.author or self.isbn) and self.kind not in {None, ItemKind.BOOK}:
            raise ValueError("author and isbn are for books; leave them out or send kind=book")
        return self

    @property
    def stated_kind(self) -> ItemKind | None:
        """The kind that was sent, or that the fields imply."""
        return self.kind or (ItemKind.BOOK if self.author or self.isbn else None)


class ItemPatch(GoodsPatch):
    """A partial change of an item."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"price": 19.9, "tags": ["pen", "gift"]}

    kind: ItemKindIn = OMITTED


class OwnItemFilter(GoodsFilter):
    """Filters of one's own items."""

    kind: ItemKind | None = Field(default=None, description="Only items of this kind.")
    category: Annotated[list[NameOrId], SplitKeys, *AnyOf] = Field(
        default=[], description="Slug or id of a category; its descendants count."
    )
    is_active: bool | None = Field(default=None, description="true: on sale; false: off sale.")
    fields: ItemFields = None


class ItemFilter(OwnItemFilter):
    """Filters of `/items`."""

    owner_id: OwnerId | None = None
