"""What a sale needs to know of an item, and whether it can be sold."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from app.catalog.models import BookFormat, SalePolicy
from app.sales.pricing import Line, TaxClass

_ELECTRONIC = frozenset({BookFormat.EBOOK, BookFormat.AUDIOBOOK})
PRINTED_GRAMS = 400
"""What a printed book weighs of which nothing better is known."""


class Goods(NamedTuple):
    """An item as it is now. `available` is what can be bought of it.

    `part_formats`: what a bundle's parts are, None for one that is no book.
    """

    item_id: int
    kind: str
    title: str
    isbn: str | None
    sku: str | None
    price: Decimal | None
    currency: str
    is_active: bool
    sale_policy: str | None
    available: int
    format: str | None
    is_price_fixed: bool
    category_ids: Sequence[int]
    author_ids: Sequence[int]
    weight_grams: int | None
    part_formats: Sequence[str | None]

    def is_for_sale(self, currency: str) -> bool:
        """Whether it is sold at all in a shop of this currency, be there any or not."""
        is_offered = self.is_active and self.price is not None and self.currency == currency
        return is_offered and self.sale_policy != SalePolicy.NONE

    @property
    def tax_class(self) -> TaxClass:
        """How it is taxed. A bundle as its parts are, where all are alike, else as goods, at the full rate."""
        if self.part_formats:
            classes = {_tax_class(part, is_book=part is not None) for part in self.part_formats}
            return classes.pop() if len(classes) == 1 else TaxClass.GOODS
        return _tax_class(self.format, is_book=self.kind == "book")

    def line(self, quantity: int) -> Line:
        """So many of it, to be priced; what has no price costs nothing, and is refused elsewhere."""
        weight = 0 if self.format in _ELECTRONIC else self.weight_grams or PRINTED_GRAMS
        return Line(
            item_id=self.item_id,
            quantity=quantity,
            unit_price=self.price or Decimal(0),
            tax_class=self.tax_class,
            is_price_fixed=self.is_price_fixed,
            category_ids=frozenset(self.category_ids),
            author_ids=frozenset(self.author_ids),
            weight_grams=weight,
        )


def _tax_class(book_format: str | None, *, is_book: bool) -> TaxClass:
    if book_format in _ELECTRONIC:
        return TaxClass.EBOOK
    return TaxClass.PRINT if is_book else TaxClass.GOODS
