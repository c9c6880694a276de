"""Names of the catalogue's cache groups: what a write makes stale."""

LISTS = "catalog"
"""Every list of items and books, and look-ups by ISBN."""
AUTHORS = "authors"
CATEGORIES = "categories"
ITEM = "item:{}"
"""One item by its id, under `/items` and `/books` alike."""
