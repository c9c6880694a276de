"""Orders: what becomes of them, who sees them, and what staff do with them."""
