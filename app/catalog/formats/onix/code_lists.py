"""What the code lists of ONIX mean in the catalogue's own words.

Source: EDItEUR, ONIX for Books Codelists (issue 63; codes are never reused, so later issues only add).
Codes that are missing here are kept raw.
"""

from decimal import Decimal

from app.catalog.formats.record import Action
from app.catalog.formats.texts import FieldRefused
from app.catalog.models import BookFormat, ContributorRole, SupplierAvailability
from app.catalog.subjects import SubjectScheme

NOTIFICATIONS = {
    "01": Action.PUT,
    "02": Action.PUT,
    "03": Action.PUT,
    "04": Action.PATCH,
    "05": Action.DELETE,
}
"""List 1: early, advance and confirmed are full records; 04 replaces blocks; 05 deletes."""

TEST_NOTIFICATIONS = frozenset({"88", "89"})
"""List 1: records that no receiver may take for data."""

CONFIRMED = "03"

ISBN_TYPES = ("15", "03", "02")
"""List 5, best first: ISBN-13, GTIN-13 (an ISBN where it begins with 978 or 979), ISBN-10."""

PROPRIETARY = "01"
SHOP_ITEM_ID = "shop_item_id"
"""The name under which an export gives the id of a book without ISBN."""

SHOP_PUBLISHER = "shop_publisher"
"""The name under which an export says that the publisher is not known."""

SINGLE_ITEM = "00"
"""List 2."""

DISTINCTIVE_TITLE = "01"
TITLE_TYPES = (DISTINCTIVE_TITLE, "00", "10")
"""List 15, best first: distinctive title, undefined, distributor's title."""

PRODUCT_LEVEL = "01"
COLLECTION_LEVEL = "02"
"""List 149."""

PUBLISHER_COLLECTION = "10"
UNSPECIFIED_COLLECTION = "00"
"""List 148."""

_AUTHOR = ContributorRole.AUTHOR.value
_EDITOR = ContributorRole.EDITOR.value
_TRANSLATOR = ContributorRole.TRANSLATOR.value
_ILLUSTRATOR = ContributorRole.ILLUSTRATOR.value
_NARRATOR = ContributorRole.NARRATOR.value

ROLES: dict[str, tuple[str, ...]] = (
    dict.fromkeys(
        ("A01", "A02", "A03", "A04", "A05", "A06", "A07", "A08", "A09", "A14", "A31", "A99"), (_AUTHOR,)
    )
    | dict.fromkeys(("B01", "B11", "B12", "B13", "B16", "B19", "B20", "B21", "B24", "B26"), (_EDITOR,))
    | dict.fromkeys(("B06", "B08"), (_TRANSLATOR,))
    | dict.fromkeys(("A12", "A13", "A35"), (_ILLUSTRATOR,))
    | dict.fromkeys(("E03", "E07"), (_NARRATOR,))
    | {"B10": (_EDITOR, _TRANSLATOR)}
)
"""List 17: principal creators are authors. Forewords, notes, designs and the like stay raw."""

ROLE_CODES = {_AUTHOR: "A01", _EDITOR: "B01", _TRANSLATOR: "B06", _ILLUSTRATOR: "A12", _NARRATOR: "E07"}

FORMAT_CODES = {
    BookFormat.HARDCOVER.value: "BB",
    BookFormat.PAPERBACK.value: "BC",
    BookFormat.EBOOK.value: "EA",
    BookFormat.AUDIOBOOK.value: "AA",
    BookFormat.OTHER.value: "BZ",
}
"""List 150: hardback, paperback, digital and audio without detail, another format of book."""

UNDEFINED_FORM = "00"
_FORMS_WITHOUT_FORMAT = frozenset({"", UNDEFINED_FORM, "BA"})
"""Undefined, and a book without detail."""

MAIN_LANGUAGE = "01"
"""List 22: the language of the text."""

PAGE_COUNTS = ("00", "11", "05", "07", "08", "10")
"""List 23, best first: main content, content, numbered, absolute, of the print counterpart, notional."""

UNIT_WEIGHT = "08"
"""List 48."""
GRAMS = {
    "gr": Decimal(1),
    "kg": Decimal(1000),
    "oz": Decimal("28.349523125"),
    "lb": Decimal("453.59237"),
}
"""List 50."""
PAGES_UNIT = "03"
"""List 24."""

SUBJECT_SCHEMES = {"93": SubjectScheme.THEMA.value, "10": SubjectScheme.BISAC.value} | dict.fromkeys(
    ("94", "95", "96", "97", "98", "99"), SubjectScheme.THEMA.value
)
"""List 27: Thema subjects, BISAC headings, Thema qualifiers of place, language, time, education, interest, style."""

PROPRIETARY_SCHEME = "24"
THEMA_SUBJECT = "93"
BISAC_HEADING = "10"

DESCRIPTION_TYPES = ("03", "02")
"""List 153, best first: description, short description."""

ANYBODY, CUSTOMERS = "00", "03"
RESTRICTED = "01"
"""List 154: a text for every audience, for end customers, and for nobody but those that are named."""

TEXT_FROM, TEXT_UNTIL = frozenset({"14", "27"}), frozenset({"15", "28"})
ABOUT_TEXT = frozenset({"01", "04", "17"})
"""List 155: from and until when a text may be shown; when it was published, broadcast, changed."""

PUBLISHER_ROLE = "01"
"""List 45."""

PUBLICATION = "01"
FIRST_PUBLICATION = "11"
"""List 163."""

DAY = "00"
MONTH = "01"
YEAR = "05"
FREE_TEXT = "12"
"""List 55."""

RECOMMENDED_WITH_TAX, FIXED_WITH_TAX = "02", "04"
"""List 58."""

CONSUMER_PRICES = frozenset({"", "00", "05"})
"""List 59: no qualifier, unqualified, consumer price. Others are for schools, libraries, sets."""

PER_COPY = frozenset({"", "00"})
"""List 60."""

PRICE_STATUSES = frozenset({"", "00", "01", "02"})
"""List 61: unspecified, provisional, firm."""

NO_CONDITIONS = "00"
"""List 167."""

PRICE_FROM, PRICE_UNTIL = "14", "15"
FROM_UNTIL = "24"
"""List 173, and 155 too."""

UNSPECIFIED_SUPPLIER = "00"
"""List 93."""

IN_STOCK, OUT_OF_STOCK = "21", "31"
AVAILABILITIES = (
    dict.fromkeys(("20", "21"), SupplierAvailability.AVAILABLE)
    | dict.fromkeys(("22", "23"), SupplierAvailability.TO_ORDER)
    | dict.fromkeys(("30", "31", "32", "33", "34"), SupplierAvailability.REPRINTING)
    | dict.fromkeys(("10", "11", "12"), SupplierAvailability.NOT_YET)
    | dict.fromkeys(
        ("01", "40", "41", "42", "43", "46", "47", "48", "49", "51", "52"), SupplierAvailability.OUT_OF_PRINT
    )
)
"""List 65: in stock or available; to order or on demand; not now, but again; not yet; no more. Others say nothing."""

EXPECTED = "08"
"""List 166: when the supplier expects to have it."""

EXACTLY = frozenset({"", "03"})
"""List 215."""

PRICE_TO_BE_ANNOUNCED = "02"
"""List 57."""


def format_of(form: str) -> str | None:
    """The format that a code of list 150 stands for, if any. Raises FieldRefused where it is no code."""
    if len(form) > len(UNDEFINED_FORM):
        raise FieldRefused("is no code of ONIX list 150, such as BC", "unknown-format")
    if form in _FORMS_WITHOUT_FORMAT:
        return None
    if form.startswith("A"):
        return BookFormat.AUDIOBOOK.value
    if form in {"EA", "EB", "EC", "ED"}:
        return BookFormat.EBOOK.value
    if form in {"BB", "BG"}:
        return BookFormat.HARDCOVER.value
    return BookFormat.PAPERBACK.value if form == "BC" else BookFormat.OTHER.value


def scheme_of_thema(code: str) -> str:
    """The scheme of list 27 that a Thema code belongs to: qualifiers begin with a digit from 1 to 6."""
    return str(93 + int(code[0])) if code[0].isdigit() else THEMA_SUBJECT
