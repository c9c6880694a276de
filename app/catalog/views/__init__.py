"""How much of a book an answer shows: `fields=` to show less, `expand=` to show more, JSON-LD for machines."""
