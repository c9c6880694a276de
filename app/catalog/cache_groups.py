"""Names of the catalogue's cache groups: what a write makes stale."""

LISTS = "catalog"
"""Every list of items and books, and look-ups by ISBN."""
AUTHORS = "authors"
CATEGORIES = "categories"


def item_group(item_id: int) -> str:
    """One item, under `/items` and `/books` alike."""
    return f"item:{item_id}"
