"""Facets: what the books of a list have in common, counted."""
