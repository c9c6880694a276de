"""PDFs, set by Typst from a template and data, in fonts for nearly every script.

Data reaches a template as JSON and is text there, never markup: no title can change what it stands in. A character
that no font has is drawn as a box.
"""

import asyncio
from datetime import datetime
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

_ROOT = Path(__file__).parents[1]
"""Where templates lie, and the only place that they can read: `/core/pdf.typ` is what they begin with."""
_FONT_PACKAGES = ("manimgx_fonts", "manimgx_fonts_cjk")


async def make_pdf(template: Path, data: object, made_at: datetime) -> bytes:
    """Set the template with `data`, which it finds as JSON in `sys.inputs.data`; the same bytes for the same input."""
    return await asyncio.to_thread(_set, template, data, made_at)


def _set(template: Path, data: object, made_at: datetime) -> bytes:
    # Imported by whoever prints: it takes 7 MiB.
    compiler = import_module("typst").Compiler(
        template,
        root=_ROOT,
        font_paths=_fonts(),
        ignore_system_fonts=True,
        sys_inputs={"data": orjson.dumps(data).decode()},
    )
    pdf = compiler.compile(format="pdf", timestamp=made_at.replace(microsecond=0))
    if not isinstance(pdf, bytes):
        raise TypeError(f"{template.name} was not set as one PDF")
    return pdf


@cache
def _fonts() -> Any:
    folders = [Path(str(files(package))) for package in _FONT_PACKAGES]
    return import_module("typst").Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=folders
    )
