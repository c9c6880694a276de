"""ONIX for Books 3.0: reader (worker only: it needs lxml) and writer (without lxml, for the API)."""
