"""Books: items with an ISBN, contributors and bibliographic data."""
