"""What the shop offers: items, books, authors, categories and their stock."""
