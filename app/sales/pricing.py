"""What lines cost: discounts, tax and shipping, in decimals, without any I/O."""

from enum import StrEnum


class TaxClass(StrEnum):
    """What is taxed alike: printed books, electronic ones (audiobooks too), and all other goods."""

    PRINT = "print"
    EBOOK = "ebook"
    GOODS = "goods"
