"""How orders are sent, and for how much."""
