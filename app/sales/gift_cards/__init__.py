"""Gift cards: issued by staff, spent by whoever knows the code."""
