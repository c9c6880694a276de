"""What the code lists of ONIX mean in the catalogue's own words.

Source: EDItEUR, ONIX for Books Codelists (issue 63; codes are never reused, so later issues only add).
Codes that are missing here are kept raw.
"""

from app.catalog.formats.record import Action
from app.catalog.models import BookFormat, ContributorRole
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

ANYBODY = "00"
"""List 154: a text for every audience."""

PUBLISHER_ROLE = "01"
"""List 45."""

PUBLICATION = "01"
FIRST_PUBLICATION = "11"
"""List 163."""

DAY = "00"
MONTH = "01"
YEAR = "05"
FREE_TEXT = "12"
EXACT_TIMES = frozenset({"13", "14"})
"""List 55."""

PRICE_TYPES = ("04", "02", "42", "03", "01", "41")
"""List 58, best first: what a customer pays. Fixed, recommended and publisher's retail price with tax; then without."""

RECOMMENDED_WITH_TAX = "02"
CONSUMER_PRICES = frozenset({"", "00", "05"})
"""List 59: no qualifier, unqualified, consumer price. Others are for schools, libraries, sets."""

PRICE_FROM, PRICE_UNTIL = "14", "15"
"""List 173."""

UNSPECIFIED_SUPPLIER = "00"
"""List 93."""

IN_STOCK, OUT_OF_STOCK = "21", "31"
"""List 65."""

PRICE_TO_BE_ANNOUNCED = "02"
"""List 57."""


def format_of(form: str) -> str | None:
    """The format that a code of list 150 stands for, if any."""
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
