"""Subjects of a product: Thema, BISAC and the sender's own scheme."""

from pydantic import ValidationError

from app.catalog.formats.onix import codes
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.onix.reading import Reading
from app.catalog.subjects import MOST_SUBJECTS, Subject, SubjectScheme

_FIELDS = ("SubjectSchemeIdentifier", "SubjectSchemeName", "SubjectCode", "SubjectHeadingText", "MainSubject")


def read_subjects(block: Part, reading: Reading) -> None:
    """All with a code of a known scheme, main subjects first; the others stay raw, and those beyond the limit."""
    found: dict[tuple[str, str], dict[str, str | None]] = {}
    for part in sorted(block.all("Subject"), key=lambda one: one.find("MainSubject") is None):
        subject = _subject(part, reading.message.sender)
        if subject is None or len(found) == MOST_SUBJECTS:
            continue
        scheme, code = subject.scheme.value, subject.code
        found.setdefault((scheme, code), {"scheme": scheme, "code": code, "heading": subject.heading})
        part.use(*_FIELDS)
    reading.values["subjects"] = list(found.values())


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
    if identifier == codes.PROPRIETARY_SCHEME and sender and part.peek("SubjectSchemeName") == sender:
        return SubjectScheme.OWN.value
    return codes.SUBJECT_SCHEMES.get(identifier)
