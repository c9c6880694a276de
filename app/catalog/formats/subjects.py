"""Subjects in one cell: `thema:FMB Epic fantasy; bisac:FIC009020`."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from app.catalog.formats.cells import join_list
from app.catalog.formats.texts import FieldRefused
from app.catalog.subjects import SubjectScheme, has_shape_of

_ENTRY = re.compile(r"(?:(\w+):)?(\S+)(?:\s+(.+))?")


def subject_of(entry: str) -> dict[str, Any]:
    """Scheme, code and heading of an entry; without a scheme by the code's shape: BISAC's, else Thema."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise FieldRefused("must be scheme:code heading, such as thema:FMB Epic fantasy", "value_error")
    scheme, code, heading = match.groups()
    if scheme is None:
        is_bisac = has_shape_of(SubjectScheme.BISAC, code.upper())
        scheme = SubjectScheme.BISAC if is_bisac else SubjectScheme.THEMA
    return {"scheme": scheme.lower(), "code": code, "heading": heading}


def subjects_cell(listed: Iterable[Mapping[str, Any]]) -> str:
    """The cell that reads back as these subjects."""
    return join_list(_printed(one) for one in listed)


def _printed(subject: Mapping[str, Any]) -> str:
    heading = f" {subject['heading']}" if subject.get("heading") else ""
    return f"{subject['scheme']}:{subject['code']}{heading}"
