"""The shop in figures."""
