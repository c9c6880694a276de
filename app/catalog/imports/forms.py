"""The form of an import, for the documentation: FastAPI would read a form before it asks who calls."""

from typing import Any

from app.catalog.formats.columns import FIELDS
from app.catalog.formats.record import SourceFormat
from app.catalog.models import ImportMode, OnError
from app.core.http.uploads import form_body

_FIELDS = ", ".join(f"`{name}`" for name in FIELDS)


def _choice(values: Any, default: str | None, text: str) -> dict[str, Any]:
    described = {"type": "string", "enum": [value.value for value in values], "description": text}
    return described if default is None else {**described, "default": default}


FORM = form_body(
    {
        "multipart/form-data": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "CSV, NDJSON or ONIX 3.0."},
                "mode": _choice(
                    ImportMode,
                    ImportMode.UPSERT.value,
                    "`create`: only add books; `update`: only change books that are there, by ISBN-13;"
                    " `upsert`: either. A row that may not do what it asks for fails.",
                ),
                "on_error": _choice(
                    OnError,
                    OnError.SKIP_ROW.value,
                    "`skip_row`: other rows are written; `abort`: one failed row, and nothing is written.",
                ),
                "dry_run": {"type": "boolean", "default": False, "description": "Report, but write nothing."},
                "mapping": {
                    "type": "string",
                    "description": 'JSON: header of the file to field, or to "" to ignore it, such as'
                    f' `{{"Titel": "title", "Notes": ""}}`. Fields: {_FIELDS}.',
                },
                "format": _choice(SourceFormat, None, "Found out from the file's content, unless said here."),
                "encoding": {
                    "type": "string",
                    "description": "UTF-8, and UTF-16 with its mark, by themselves; cp1252 and others when declared,"
                    " best before the file.",
                },
                "delimiter": {
                    "type": "string",
                    "description": "Of CSV: comma, semicolon, tab, bar, or the character; found out unless said here.",
                },
            },
        }
    }
)
