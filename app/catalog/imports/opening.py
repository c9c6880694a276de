"""Opens an uploaded file of any kind; only here, in the worker, is the XML library loaded."""

from pathlib import Path

from app.catalog.formats.contract import Source, SourceFormat, SourceOptions
from app.catalog.formats.onix.reader import OnixSource
from app.catalog.formats.opening import open_source


def open_upload(path: Path, options: SourceOptions) -> Source:
    """A reader for the file. SourceRefused when the file as a whole cannot be read."""
    if options.format is SourceFormat.ONIX:
        return OnixSource(path, options)
    return open_source(path, options)
