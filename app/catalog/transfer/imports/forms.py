"""The form of an import, for the documentation: FastAPI would read a form before it asks who calls."""

from typing import Any

from app.catalog.covers.forms import documented
from app.catalog.transfer.apply.outcome import ImportMode
from app.catalog.transfer.imports.schemas import OnError
from app.catalog.transfer.sources.contract import SourceFormat
from app.catalog.transfer.sources.fields import FIELDS

_FIELDS = ", ".join(f"`{name}`" for name in FIELDS)


def _choice(values: Any, default: str | None, text: str) -> dict[str, Any]:
    described = {"type": "string", "enum": [value.value for value in values], "description": text}
    return described if default is None else {**described, "default": default}


FORM = documented(
    {
        "multipart/form-data": {
            "type": "object",
            "required": ["file"],
            "properties": {
                "file": {"type": "string", "format": "binary", "description": "CSV, NDJSON or ONIX 3.0."},
                "mode": _choice(ImportMode, ImportMode.UPSERT.value, "What rows may do, by ISBN-13."),
                "on_error": _choice(
                    OnError, OnError.SKIP_ROW.value, "`abort`: one failed row, and nothing is written."
                ),
                "dry_run": {"type": "boolean", "default": False, "description": "Report, but write nothing."},
                "mapping": {
                    "type": "string",
                    "description": f'JSON: header of the file to field, or to "" to ignore it. Fields: {_FIELDS}.',
                    "examples": ['{"Titel": "title", "Notes": ""}'],
                },
                "format": _choice(SourceFormat, None, "By the file's content, unless said here."),
                "encoding": {
                    "type": "string",
                    "description": "UTF-8, and UTF-16 with its mark, by themselves; cp1252 and others when declared,"
                    " best before the file.",
                    "examples": ["cp1252"],
                },
                "delimiter": {
                    "type": "string",
                    "description": "Of CSV: comma, semicolon, tab, bar, or the character; found out unless said here.",
                    "examples": [";"],
                },
            },
        }
    }
)
