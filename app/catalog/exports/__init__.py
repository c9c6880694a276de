"""Filtered lists of books as files: CSV, NDJSON and ONIX, streamed."""
