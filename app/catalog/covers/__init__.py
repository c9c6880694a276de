"""Covers of books: uploads re-encoded to WebP in three sizes."""
