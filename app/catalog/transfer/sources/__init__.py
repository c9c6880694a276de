"""Readers of uploaded files: CSV and NDJSON, their detection, mapping and normalising."""
