"""Opens a local file as a source of records."""

from pathlib import Path

from app.catalog.formats.contract import Source, SourceFormat, SourceOptions
from app.catalog.formats.csv import CsvSource
from app.catalog.formats.detection import HEAD, detect_format
from app.catalog.formats.ndjson import NdjsonSource


def open_source(path: Path, options: SourceOptions) -> Source:
    """A reader for CSV or NDJSON; SourceRefused when the file as a whole cannot be read.

    Reads the whole file once to check its encoding, so that nothing is applied of a file that breaks half-way.
    """
    with path.open("rb") as file:
        detect_format(file.read(HEAD), path.name, options.encoding)
    if options.format == SourceFormat.NDJSON:
        return NdjsonSource(path, options)
    return CsvSource(path, options)
