"""Series of books."""
