"""Subjects of a product: Thema, BISAC and the sender's own scheme."""

from pydantic import ValidationError

from app.catalog.formats.onix import code_lists
from app.catalog.formats.onix.parsed import ParsedProduct
from app.catalog.formats.onix.parts import Part
from app.catalog.subjects import MOST_SUBJECTS, Subject, SubjectScheme

_FIELDS = ("SubjectSchemeIdentifier", "SubjectSchemeName", "SubjectCode", "SubjectHeadingText", "MainSubject")


def read_subjects(block: Part, parsed: ParsedProduct) -> None:
    """All with a code of a known scheme, main subjects first; the others stay raw, and those beyond the limit."""
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    for part in sorted(block.all("Subject"), key=lambda one: one.find("MainSubject") is None):
        subject = _subject(part, parsed.message.sender)
        if subject is None or len(found) == MOST_SUBJECTS:
            continue
        scheme, code = subject.scheme.value, subject.code
        found.setdefault((scheme, code), {"scheme": scheme, "code": code, "heading": subject.heading})
        part.use(*_FIELDS)
    parsed.values["subjects"] = list(found.values())


def _subject(part: Part, sender: str) -> Subject | None:
    scheme = _scheme(part, sender)
    code = part.peek("SubjectCode")
    if scheme is None or not code:
        return None
    heading = part.peek("SubjectHeadingText") or None
    try:
        return Subject(scheme=SubjectScheme(scheme), code=code, heading=heading)
    except ValidationError:
        return None


def _scheme(part: Part, sender: str) -> str | None:
    identifier = part.peek("SubjectSchemeIdentifier")
    if identifier == code_lists.PROPRIETARY_SCHEME and sender and part.peek("SubjectSchemeName") == sender:
        return SubjectScheme.OWN.value
    return code_lists.SUBJECT_SCHEMES.get(identifier)
