"""Filters of books: their values, and the conditions on search documents that they stand for."""
