"""Books with everything that is awkward in a file, as they are sent and as they are read back."""

from decimal import Decimal
from typing import Any

import httpx

from tests.conftest import Caller
from tests.factories import a_book, a_category

ODD: dict[str, Any] = {
    "title": '=HYPERLINK("http://example.com"), "quoted" 😀',
    "title_sort": "+quoted; otherwise",
    "subtitle": "'=already escaped",
    "edition_statement": "=2nd; revised | “enlarged” edition",
    "description": "+1\nline two, with comma\r\n\ttabbed; – “curly” \u0435",
    "price": 12.5,
    "quantity": 7,
    "weight_grams": 310,
    "sku": "BK-000123",
    "tags": ["@home", "a; b", "back\\slash", "c|d"],
    "isbn": "9780261102217",
    "contributors": [
        {"name": "Smith; Sons", "role": "author"},
        {"name": "Sting (Editor)", "role": "author"},
        {"name": "＝Full, Width", "role": "translator"},
        {"name": "Back\\slash|bar", "role": "narrator"},
    ],
    "publisher": "-Minus & Söhne",
    "published_on": "1937-09",
    "first_published": -750,
    "language": "zh-Hant",
    "format": "ebook",
    "pages": 310,
    "series": "@Series; one",
    "series_position": "-1.0",
    "is_price_fixed": True,
    "supplier_availability": "to_order",
    "supplier_expected_on": "2027-03",
    "subjects": [
        {"scheme": "thema", "code": "FMB", "heading": "Epic; (fantasy)"},
        {"scheme": "bisac", "code": "FIC009020", "heading": None},
        {"scheme": "own", "code": "X-1.2", "heading": "=x"},
    ],
}
BARE: dict[str, Any] = {"title": "Bare", "price": 1, "isbn": "9780439023481"}
NAMELESS: dict[str, Any] = {"title": "Of an age before ISBNs", "price": 3, "language": "fre"}

ODD_VALUES: dict[str, Any] = {
    **{
        name: ODD[name]
        for name in (
            "title",
            "title_sort",
            "subtitle",
            "edition_statement",
            "quantity",
            "weight_grams",
            "sku",
            "tags",
            "publisher",
        )
    },
    **{name: ODD[name] for name in ("published_on", "first_published", "language", "format", "pages")},
    **{name: ODD[name] for name in ("series", "series_position", "subjects", "description")},
    **{name: ODD[name] for name in ("is_price_fixed", "supplier_availability", "supplier_expected_on")},
    "is_active": True,
    "price": Decimal("12.5"),
    "contributors": [(one["name"], one["role"]) for one in ODD["contributors"]],
    "categories": ["fantasy", "sci-fi"],
}
BARE_VALUES: dict[str, Any] = {
    **dict.fromkeys(("title_sort", "subtitle", "edition_statement", "description", "sku", "publisher")),
    **dict.fromkeys(("published_on", "first_published", "weight_grams")),
    **dict.fromkeys(("language", "format", "pages", "series", "series_position")),
    **dict.fromkeys(("supplier_availability", "supplier_expected_on")),
    "is_price_fixed": False,
    "is_active": True,
    **{name: [] for name in ("tags", "contributors", "categories", "subjects")},
    "title": "Bare",
    "price": Decimal(1),
    "quantity": 0,
}


async def add_books(client: httpx.AsyncClient, moderator: Caller) -> list[int]:
    """The odd one, in two categories, and the bare one; their ids."""
    categories = [(await a_category(client, moderator, name))["id"] for name in ("Sci-Fi", "Fantasy")]
    books = ({**ODD, "category_ids": categories}, BARE)
    return [(await a_book(client, moderator, **book))["id"] for book in books]
