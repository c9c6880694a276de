"""Books that go with a book."""
